# Runs stressors one after the other, a second each. What it prints about each:
#     @ NAME STATUS what stress-ng said of failures and skipping
mkdir -p "/w/stress.$1" && cd "/w/stress.$1" || exit 1
shift
ulimit -c 0
for s; do
    echo "@ $s begins"
    from=$SECONDS
    timeout -k 5 40 stress-ng "--$s" 1 --timeout 1 --verify --temp-path . > log 2>&1
    echo "@ $s $? $(grep -E 'fail:|error:|skipp|not supported' log | head -n 3 | tr '\n' ';' | cut -c 1-300)"
    echo "# $s took $((SECONDS - from)) s"
    rm -rf tmp-* ./stress-ng*
done
