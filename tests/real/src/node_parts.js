// What Node.js programs ask of a kernel, a function a topic. Prints the same on any kernel.
const cp = require('child_process'), fs = require('fs'), net = require('net'), os = require('os');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const cluster = require('cluster'), crypto = require('crypto'), zlib = require('zlib');

async function children() {
    console.log(cp.execSync('echo sub').toString(), cp.spawnSync('sh', ['-c', 'exit 3']).status);
    console.log(cp.spawnSync('/no/such').error.code);
    const p = cp.spawn('cat');
    let got = '';
    p.stdout.on('data', d => got += d);
    p.stdin.end('x'.repeat(1000000));
    await new Promise(done => p.on('close', done));
    console.log(got.length);
    const k = cp.spawn('sleep', ['30']);
    k.kill('SIGTERM');
    console.log(await new Promise(done => k.on('exit', (code, sig) => done(sig))));
    const f = cp.fork(__filename, ['echo']);
    f.send({ n: 20 });
    console.log(await new Promise(done => f.on('message', done)));
    f.disconnect();
    console.log(await new Promise(done => f.on('exit', done)));
    const all = await Promise.all([...Array(20).keys()].map(i => new Promise(done =>
        cp.exec(`exit ${i}`, e => done(e ? e.code : 0)))));
    console.log(all.join());
    cluster.setupPrimary({ exec: __filename, args: ['member'] });
    const m = [0, 1, 2].map(() => cluster.fork());
    console.log((await Promise.all(m.map(w => new Promise(d => w.on('exit', d))))).join());
}

async function workers() {
    const shared = new SharedArrayBuffer(4), n = new Int32Array(shared);
    const run = () => new Promise((done, no) => {
        const w = new Worker(__filename, { workerData: shared });
        w.on('message', done).on('error', no);
    });
    console.log((await Promise.all([run(), run(), run(), run()])).join(), n[0]);
    const stuck = new Worker('for (;;);', { eval: true });
    await new Promise(d => stuck.on('online', d));
    console.log(await stuck.terminate());
    const w = new Worker('throw new Error("thrown")', { eval: true });
    console.log(await new Promise(d => w.on('error', e => d(e.message))));
    console.log(Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20));
}

async function files() {
    const p = fs.promises;
    await p.mkdir('nf/a/b', { recursive: true });
    await Promise.all([...Array(200).keys()].map(i => p.writeFile(`nf/${i}`, 'x'.repeat(i))));
    console.log((await p.readdir('nf')).length, (await p.stat('nf/150')).size);
    await new Promise(done => fs.createReadStream('nf/199').pipe(zlib.createGzip())
        .pipe(fs.createWriteStream('nf/z')).on('close', done));
    console.log(zlib.gunzipSync(fs.readFileSync('nf/z')).length);
    await p.cp('nf', 'copied', { recursive: true });
    await p.rename('copied', 'moved');
    await p.copyFile('nf/5', 'nf/five', fs.constants.COPYFILE_EXCL);
    console.log(fs.readdirSync('moved').length, await p.access('no').catch(e => e.code));
    const events = [], w = fs.watch('moved', (type, name) => events.push(type + name));
    await p.writeFile('moved/new', '1');
    await p.unlink('moved/new');
    await new Promise(d => setTimeout(d, 300));
    w.close();
    console.log([...new Set(events)].sort().join());
    const h = await p.open('nf/10', 'r+');
    await h.truncate(4);
    await h.sync();
    console.log((await h.stat()).size, (await h.read(Buffer.alloc(9), 0, 9, 0)).bytesRead);
    await h.close();
    await p.rm('moved', { recursive: true });
    console.log(fs.existsSync('moved'), os.cpus().length > 0, os.totalmem() > 1e6, os.uptime() >= 0);
    console.log(os.userInfo().username, os.hostname(), os.platform(), os.endianness(), os.freemem() > 0);
}

async function timers() {
    const order = [];
    setImmediate(() => order.push('immediate'));
    process.nextTick(() => order.push('tick'));
    await new Promise(d => setTimeout(d, 30));
    console.log(order.join(), (await Promise.all([...Array(100).keys()].map(i =>
        new Promise(d => setTimeout(() => d(i), i % 10))))).length);
    process.on('SIGUSR2', () => console.log('signal'));
    process.kill(process.pid, 'SIGUSR2');
    await new Promise(d => setTimeout(d, 50));
    const t0 = process.hrtime.bigint();
    await new Promise(d => setTimeout(d, 100));
    console.log(process.hrtime.bigint() - t0 >= 99000000n);
}

async function sockets() {
    const server = net.createServer(c => c.pipe(c)).listen('node.sock');
    await new Promise(d => server.on('listening', d));
    const talk = i => new Promise((done, no) => {
        let got = '';
        const c = net.connect('node.sock', () => c.end(String(i).repeat(5000)));
        c.on('data', d => got += d).on('end', () => done(got.length)).on('error', no);
    });
    console.log((await Promise.all([...Array(50).keys()].map(talk))).reduce((a, b) => a + b));
    server.close();
    await new Promise(d => server.on('close', d));
    console.log(fs.existsSync('node.sock'));
}

async function load() {
    const h = crypto.createHash('sha256');
    for (let i = 0; i < 20000; i++) h.update(String(i));
    console.log(h.digest('hex'), crypto.randomBytes(16).length);
    const keys = await Promise.all([...Array(8).keys()].map(i => new Promise((d, no) =>
        crypto.pbkdf2('p', String(i), 2000, 32, 'sha256', (e, k) => e ? no(e) : d(k.toString('hex'))))));
    console.log(crypto.createHash('md5').update(keys.join()).digest('hex'));
    let kept = [];
    for (let i = 0; i < 300; i++) { kept.push(new Array(10000).fill(i)); if (i % 50 === 0) kept = []; }
    let fib = n => n < 2 ? n : fib(n - 1) + fib(n - 2);
    console.log(kept.length, fib(25), eval('(() => { let s = 0; for (let i = 0; i < 3e6; i++) s = (s * 31 + i) | 0; return s })()'));
}

if (!isMainThread) {
    const n = new Int32Array(workerData);
    for (let i = 0; i < 1000; i++) Atomics.add(n, 0, 1);
    parentPort.postMessage('done');
} else if (process.argv[2] === 'echo') {
    process.on('message', m => process.send(m.n + 1));
} else if (process.argv[2] === 'member') {
    process.exit(cluster.isWorker ? cluster.worker.id : 0);
} else {
    ({ children, workers, files, timers, sockets, load })[process.argv[2]]();
}
