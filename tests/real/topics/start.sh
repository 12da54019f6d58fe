# Runs one topic on either side, in a new folder. What topics print must be the same on any
# kernel: no times, numbers of processes, or addresses.
topic=$1
mkdir -p "/w/$topic" && cd "/w/$topic" || exit 1
exec 2>&1
t() { echo "== $*"; }
# must COMMAND...: its status is 0, or the line says so
must() { "$@" || echo "FAIL($?): $*"; }
# want TEXT COMMAND...: prints what the command prints, and whether that is TEXT
want() {
    local text=$1 got
    shift
    got=$("$@" 2>&1)
    echo "$got"
    [ "$got" = "$text" ] || echo "FAIL: $* gave this, not $text"
}
. "/t/topics/$topic.sh"
exit 0
