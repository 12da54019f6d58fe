import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

/** What Java programs ask of a kernel, a function a topic. Prints the same on any kernel. */
public class Parts {
    static void threads() throws Exception {
        AtomicInteger n = new AtomicInteger();
        Thread[] ts = new Thread[200];
        for (int i = 0; i < ts.length; i++) (ts[i] = new Thread(() -> { for (int k = 0; k < 1000; k++) n.incrementAndGet(); })).start();
        for (Thread t : ts) t.join();
        System.out.println(n);
        ExecutorService ex = Executors.newFixedThreadPool(8);
        List<Future<Integer>> fs = new ArrayList<>();
        for (int i = 0; i < 500; i++) { int k = i; fs.add(ex.submit(() -> k * k)); }
        int sum = 0;
        for (Future<Integer> f : fs) sum += f.get();
        ex.shutdown();
        System.out.println(sum + " " + ex.awaitTermination(5, TimeUnit.SECONDS));
        System.out.println(IntStream.range(0, 1000000).parallel().mapToLong(x -> x).sum());
        Object lock = new Object();
        int[] c = { 0 };
        Thread[] w = new Thread[8];
        for (int i = 0; i < w.length; i++) (w[i] = new Thread(() -> { for (int k = 0; k < 5000; k++) synchronized (lock) { c[0]++; } })).start();
        for (Thread t : w) t.join();
        System.out.println(c[0]);
        Thread s = new Thread(() -> { try { Thread.sleep(60000); } catch (InterruptedException e) { System.out.println("interrupted"); } });
        s.start();
        Thread.sleep(50);
        s.interrupt();
        s.join();
        CompletableFuture<String> f = CompletableFuture.supplyAsync(() -> "async").thenApply(String::toUpperCase);
        System.out.println(f.get(5, TimeUnit.SECONDS) + Runtime.getRuntime().availableProcessors() / 1000);
    }

    static void files() throws Exception {
        Path d = Files.createTempDirectory(Path.of("."), "j");
        for (int i = 0; i < 200; i++) Files.writeString(d.resolve("f" + i), "x".repeat(i));
        try (Stream<Path> s = Files.walk(d)) { System.out.println(s.count()); }
        try (FileChannel c = FileChannel.open(d.resolve("m"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MappedByteBuffer m = c.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
            m.putInt(5000, 42);
            m.force();
            ByteBuffer b = ByteBuffer.allocate(4);
            c.read(b, 5000);
            System.out.println(b.getInt(0) + " " + c.size());
            try (FileLock l = c.lock()) { System.out.println(l.isValid()); }
        }
        Files.setLastModifiedTime(d.resolve("f1"), java.nio.file.attribute.FileTime.fromMillis(1000000000000L));
        System.out.println(Files.getLastModifiedTime(d.resolve("f1")).toMillis() + " " + Files.size(d.resolve("f150")));
        System.out.println(java.nio.file.attribute.PosixFilePermissions.toString(Files.getPosixFilePermissions(d.resolve("f1"))));
        try (WatchService ws = FileSystems.getDefault().newWatchService()) {
            d.register(ws, StandardWatchEventKinds.ENTRY_CREATE);
            Files.writeString(d.resolve("new"), "");
            WatchKey k = ws.poll(5, TimeUnit.SECONDS);
            System.out.println(k == null ? "no event" : k.pollEvents().get(0).context());
        }
        System.out.println(Files.getFileStore(d).getTotalSpace() > 0);
    }

    static void process() throws Exception {
        Process p = new ProcessBuilder("sh", "-c", "cat; exit 4").start();
        p.getOutputStream().write("to child".getBytes());
        p.getOutputStream().close();
        System.out.println(new String(p.getInputStream().readAllBytes()) + " " + p.waitFor());
        try { new ProcessBuilder("/no/such").start(); } catch (IOException e) { System.out.println(e.getMessage()); }
        Process s = new ProcessBuilder("sleep", "60").start();
        System.out.println(s.isAlive() + " " + s.toHandle().info().command().orElse("?"));
        s.destroyForcibly();
        System.out.println(s.waitFor());
        Process[] ps = new Process[20];
        for (int i = 0; i < 20; i++) ps[i] = new ProcessBuilder("sh", "-c", "exit " + i).start();
        int sum = 0;
        for (Process q : ps) sum += q.waitFor();
        System.out.println(sum + " " + (ProcessHandle.current().pid() > 0));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
    }

    static void channels() throws Exception {
        SocketAddress a = UnixDomainSocketAddress.of("java.sock");
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(a);
        server.configureBlocking(false);
        Selector sel = Selector.open();
        server.register(sel, SelectionKey.OP_ACCEPT);
        Thread t = new Thread(() -> {
            try (SocketChannel c = SocketChannel.open(a)) { c.write(ByteBuffer.wrap("hello".getBytes())); }
            catch (IOException e) { System.out.println(e); }
        });
        t.start();
        sel.select(5000);
        try (SocketChannel c = server.accept()) {
            ByteBuffer b = ByteBuffer.allocate(100);
            while (c.read(b) >= 0) { }
            System.out.println(new String(b.array(), 0, b.position()));
        }
        t.join();
        Pipe p = Pipe.open();
        p.sink().write(ByteBuffer.wrap(new byte[10]));
        System.out.println(p.source().read(ByteBuffer.allocate(20)) + " " + sel.selectNow());
    }

    static void memory() {
        long sum = 0;
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < 4000; i++) {
            kept.add(new byte[100000]);
            if (kept.size() > 300) kept.subList(0, 250).clear();
            sum += kept.get(kept.size() - 1).length;
        }
        System.out.println(sum);
    }

    static void hog() {
        List<long[]> l = new ArrayList<>();
        for (;;) l.add(new long[100000]);
    }

    static int depth;
    static void down() { depth++; down(); }
    static void deep() {
        for (int i = 0; i < 3; i++) try { down(); } catch (StackOverflowError e) { System.out.println("overflow " + (depth > 500)); }
    }

    static void compute() {
        long s = 0;
        int[] a = new int[1000];
        for (int r = 0; r < 2000; r++) for (int i = 0; i < a.length; i++) { a[i] = a[i] * 31 + i + r; s += a[i]; }
        Map<String, Integer> m = new HashMap<>();
        for (int i = 0; i < 50000; i++) m.merge("k" + i % 1000, 1, Integer::sum);
        System.out.println(s + " " + m.size() + " " + m.get("k7") + " " + Math.sin(1));
    }

    /** Compiled code finds these by signals. */
    static void faults() {
        int nulls = 0, zeros = 0, bounds = 0, one[] = { 0 };
        for (int i = 0; i < 200000; i++) {
            int[] a = i % 1000 == 0 ? null : new int[1];
            try { nulls += a.length - 1; } catch (NullPointerException e) { nulls++; }
            try { zeros += 0 / (i % 500); } catch (ArithmeticException e) { zeros++; }
            try { bounds += one[i % 4000 == 0 ? 1 : 0]; } catch (ArrayIndexOutOfBoundsException e) { bounds++; }
        }
        System.out.println(nulls + " " + zeros + " " + bounds);
    }

    static void waitHere() throws Exception { Thread.sleep(60000); }

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
        case "threads": threads(); break;
        case "files": files(); break;
        case "process": process(); break;
        case "channels": channels(); break;
        case "memory": memory(); break;
        case "hog": hog(); break;
        case "deep": deep(); break;
        case "compute": compute(); break;
        case "faults": faults(); break;
        case "wait": waitHere(); break;
        }
    }
}
