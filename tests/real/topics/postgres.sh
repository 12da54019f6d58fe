# PostgreSQL 15: a cluster, load over its unix socket, killed under load and recovered.
bin=/usr/lib/postgresql/15/bin
chown postgres . && chmod 700 .
as() { setpriv --reuid=postgres --regid=postgres --init-groups --inh-caps=-all env HOME="$PWD" "$@"; }
psql() { as $bin/psql -h "$PWD" -X -At -d postgres "$@"; }
start() { must as $bin/pg_ctl -s -w -t 60 -D data -l log -o "-c listen_addresses= -c unix_socket_directories=$PWD $*" start; }
t initdb
must as $bin/initdb -D data --locale=C.UTF-8 -N > /dev/null; cat data/PG_VERSION
grep -E '^(shared_buffers|dynamic_shared_memory_type|max_connections) ' data/postgresql.conf | sed 's/#.*//'
t run
start; psql -c 'select 6 * 7; show shared_memory_type; show dynamic_shared_memory_type'
psql -c "create table t as select i, md5(i::text) m from generate_series(1, 50000) i; create index on t(m)"
psql -c 'select count(*), min(m), max(m) from t; analyze t'
psql -c 'set max_parallel_workers_per_gather=2; set parallel_setup_cost=0; set parallel_tuple_cost=0; set min_parallel_table_scan_size=0; select sum(length(m)), count(distinct left(m, 2)) from t'
psql -c "copy t to '$PWD/copy'"; wc -l < copy; psql -c "select pg_relation_size('t') > 1000000, pg_is_in_recovery()"
(psql -c 'begin; select pg_advisory_lock(1), pg_sleep(0.5); commit' > /dev/null & psql -c 'listen x' -c 'notify x' | cut -d ' ' -f 1-4; wait)
psql -c 'set statement_timeout=100; select pg_sleep(5)' 2>&1
t pgbench
must as $bin/pgbench -h "$PWD" -q -i -s 2 postgres > /dev/null 2>&1
as $bin/pgbench -h "$PWD" -n -c 4 -j 2 -t 100 postgres 2>&1 | grep -E 'processed|failed'
as $bin/pgbench -h "$PWD" -n -c 2 -t 200 -S -M prepared postgres 2>&1 | grep -E 'processed|failed'
psql -c 'select sum(abalance) = (select sum(delta) from pgbench_history), (select count(*) from pgbench_history) from pgbench_accounts'
t killed
# The server's own child: the server starts anew by itself.
psql -c 'select pg_backend_pid(), pg_sleep(20)' > /dev/null 2>&1 & sleep 0.5
kill -9 $(psql -c "select pid from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid()"); wait $!
for _ in $(seq 100); do psql -c 'select 1' > /dev/null 2>&1 && break; sleep 0.2; done; psql -c 'select count(*) from t'
# All of it, under load.
as $bin/pgbench -h "$PWD" -n -c 4 -T 20 postgres > /dev/null 2>&1 & sleep 2
kill -9 $(head -n 1 data/postmaster.pid); wait $!
for _ in $(seq 100); do pgrep -u postgres postgres > /dev/null || break; sleep 0.1; done
t recovered
start; grep -c 'automatic recovery in progress' log; psql -c 'select count(*) from t'
psql -c 'select (select sum(abalance) from pgbench_accounts) = sum(delta), (select sum(bbalance) from pgbench_branches) = sum(delta) from pgbench_history'
psql -c 'vacuum full t' -c checkpoint; must as $bin/pg_dump -h "$PWD" -t t postgres | grep -c '^[0-9]'
must as $bin/pg_ctl -s -w -m fast -D data stop; as $bin/pg_controldata data | grep state; as $bin/pg_checksums -D data 2>&1 | tail -n 1
t sysv
start -c shared_memory_type=sysv -c dynamic_shared_memory_type=sysv; psql -c 'show shared_memory_type; select count(*) from t'
must as $bin/pg_ctl -s -w -m immediate -D data stop; ls data/postmaster.pid
