# sqlite3's shell on a database of 200 MB, killed in the middle of a transaction.
t fill
q() { sqlite3 -batch -cmd '.timeout 2000' big.db "$@"; }
q 'pragma page_size=4096; pragma cache_size=-20000; pragma synchronous=off;
   create table t(id integer primary key, k integer, b blob);
   with recursive n(i) as (select 1 union all select i + 1 from n where i < 49000)
   insert into t select i, i * 7919 % 10007, zeroblob(4000) from n; create index tk on t(k);'
q 'select count(*), sum(k), max(id) from t; select count(*) from t where k between 10 and 20;'
[ "$(stat -c %s big.db)" -gt 190000000 ] && echo big
t killed
# The cache is small, so the transaction has changed the file itself when it is killed.
mkfifo in; sqlite3 -batch big.db < in > out 2>&1 & pid=$!
exec 3> in
echo 'pragma cache_size=20; begin; update t set k = k + 1 where id <= 4000; select count(*) from t where k = 0;' >&3
for _ in $(seq 300); do [ -s out ] && break; sleep 0.1; done
[ -s big.db-journal ] && echo "a journal"
q 'insert into t values(1000000, 1, 2)' 2>&1 | grep -o locked
kill -9 $pid; wait $pid 2> /dev/null; echo $?; exec 3>&-
q 'select count(*), sum(k), max(id) from t;'; [ -s big.db-journal ] || echo "rolled back"
q 'pragma integrity_check;'
t wal
q 'pragma journal_mode=wal; pragma synchronous=normal;'
for i in 1 2 3 4; do (for j in $(seq 25); do q "insert into t(k, b) values(-$i, 'x')"; done) & done; wait
q 'select k, count(*) from t where k < 0 group by k;'
mkfifo in2; sqlite3 -batch big.db < in2 > out2 2>&1 & pid=$!
exec 3> in2; echo 'begin; delete from t where id < 3000; select 5;' >&3
for _ in $(seq 300); do [ -s out2 ] && break; sleep 0.1; done
q 'select count(*) from t'; kill -9 $pid; wait $pid 2> /dev/null; exec 3>&-
q 'select count(*) from t; pragma integrity_check; pragma wal_checkpoint(truncate);'; q 'delete from t where id > 20000; vacuum;'
[ "$(stat -c %s big.db)" -lt 100000000 ] && echo smaller
q .dump | head -n 3000 | md5sum; q '.mode csv' 'select id, k from t limit 3'; rm big.db*
