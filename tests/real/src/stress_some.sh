# Runs stressors a second each, one after the other; those joined by commas at once. What it
# prints about each (or each group):
#     @ NAMES STATUS what stress-ng said of failures and skipping
# They signal their process group, so it is not timeout's. Those that do nothing as root run as
# another user. --pathological: nothing is too bad for a domain.
mkdir -p "/w/stress.$1" && cd "/w/stress.$1" && chmod 777 . || exit 1
shift
ulimit -c 0
for s; do
    echo "@ $s begins"
    from=$SECONDS as=
    case $s in bad-ioctl*|exec*|spawn*) as='setpriv --reuid=1000 --regid=1000 --clear-groups' ;; esac
    # shellcheck disable=SC2046,SC2086
    timeout -k 5 60 setsid $as stress-ng $(echo ",$s" | sed 's/,\([^,]*\)/ --\1 1/g') --timeout 1 \
        --verify --pathological --temp-path . > log 2>&1
    echo "@ $s $? $(grep -aE 'fail:|error:|skipp|not supported' log | head -n 3 | tr '\n' ';' | cut -c 1-300)"
    echo "# $s took $((SECONDS - from)) s"
    rm -rf tmp-* ./stress-ng*
done
