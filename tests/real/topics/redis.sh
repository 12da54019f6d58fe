# redis over its unix socket: commands, load, both kinds of persistence, kill -9.
c() { redis-cli -s "$PWD/sock" "$@"; }
start() { redis-server --port 0 --unixsocket "$PWD/sock" --dir "$PWD" --daemonize yes --logfile "$PWD/log" "$@"; for _ in $(seq 100); do c ping > /dev/null 2>&1 && break; sleep 0.1; done; }
t commands
start --save '' --appendonly no; c ping; c set k v; c get k; c incr n; c rpush l a b c; c lrange l 0 -1
c eval 'return redis.call("incrby", KEYS[1], 5)' 1 n; c expire k 100; c hset h f 1 g 2; c zadd z 1 a 2 b; c zrange z 0 -1 withscores
(c subscribe ch | head -n 3 & sleep 0.3; c publish ch m; wait) | sort; c object encoding n; c config get unixsocket | tail -n 1 | sed 's,.*/,,'
t load
redis-benchmark -s "$PWD/sock" -q -n 20000 -c 20 -t set,get,lpush -d 100 2>&1 | tr '\r' '\n' | grep -c 'requests per second'
redis-benchmark -s "$PWD/sock" -q -n 50000 -c 10 -P 16 -r 10000 -t set,incr 2>&1 | tr '\r' '\n' | grep -c 'requests per second'
c dbsize | awk '{ print $1 > 5000 }'; for i in $(seq 3000); do echo "set key:$i $i"; done | c --pipe | tail -n 1
t save
c bgsave; for _ in $(seq 100); do [ "$(c lastsave)" != 0 ] && [ -s dump.rdb ] && break; sleep 0.1; done; redis-check-rdb dump.rdb | tail -n 1 | sed 's/.*] //'
c set late 1; kill -9 $(pgrep -o redis-server); sleep 0.3; start --save '' --appendonly yes --appendfsync always
c get key:77; c get late; c set a 1
t appendonly
for i in $(seq 200); do echo "incr count"; done | c > /dev/null; kill -9 $(pgrep -o redis-server); sleep 0.3
start --save '' --appendonly yes; c get count; c get a; c bgrewriteaof; sleep 0.5; c info persistence | grep aof_last_bgrewrite_status | tr -d '\r'
c shutdown nosave; sleep 0.3; pgrep redis-server; echo $?
