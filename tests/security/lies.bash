# What the guest may tell the monitor, and what it may keep from it.
# shellcheck shell=bash disable=SC2154

all=''
for s in 0 1 2 3 4 5 255 256 65536 2147483648 4294967295; do
    guest 5 /bin/abuse state $s
    [ -z "$hung" ] || problem+="state $s: hangs
"
    [ "$status" -ne 0 ] || problem+="state $s: status 0
"
    [ "$s" = 3 ] || [[ $output == "xenc: "?* ]] || problem+="state $s: no report: $output
"
    all+=$problem
done
verdict "domain states and exit statuses out of range" "$all"

guest 5 /bin/abuse panic
[[ $output != *$'\e'* && $output == "xenc: A"* ]] || problem+="report: $output"
[ "$(wc -l < "$work/out")" = 1 ] || problem+=" lines: $(wc -l < "$work/out")"
[ "$status" -ne 0 ] || problem+=" status 0"
verdict "a report without end, of control characters: one line, made harmless" "$problem"

guest 10 /bin/abuse log
[ -z "$hung" ] || problem+="hangs"
verdict "log indices that jump about" "$problem"

guest 10 /bin/abuse flood 200000
[ -z "$hung" ] || problem+="hangs"
verdict "the log filled as fast as can be" "$problem"

# A reader that never reads: the monitor must not wait for it.
problem=''
new_id
mkfifo "$work/fifo"
sleep 30 < "$work/fifo" & reader=$!
xenc_for 20 run -b "$work/b" "$id" -- /bin/abuse flood > "$work/fifo" 2>&1 < /dev/null & job=$!
sleep 0.7
t0=${EPOCHREALTIME/./}
xenc kill "$id" KILL || problem="kill fails"
wait $job
[ $(((${EPOCHREALTIME/./} - t0) / 1000)) -lt 3000 ] || problem+=" slow: it waits for the log's reader"
kill $reader
wait $reader 2> /dev/null
xenc delete --force "$id"
verdict "the log filled, and nobody reads it: kill works" "$problem$(left_problem)"

problem=''
detached /bin/abuse mailbox
for i in 1 2 3; do
    timeout 5 "$XENC" --root "$work/state" kill "$id" TERM > /dev/null 2>&1
    [ $? != 124 ] || problem="kill TERM hangs"
done
[[ $(xenc state "$id") == *'"status": "running"'* ]] || problem+=" state: $(xenc state "$id")"
[ -n "$(monitor_of "$id")" ] || problem+=" the monitor has ended"
timeout 5 "$XENC" --root "$work/state" start "$id" > /dev/null 2>&1 && problem+=" started twice"
kill_now
verdict "answers to control messages that nobody sent" "$problem"

problem=''
detached /bin/abuse deaf
timeout 5 "$XENC" --root "$work/state" kill "$id" TERM > "$work/kill" 2>&1
[ $? != 124 ] || problem="kill TERM hangs"
kill_now
verdict "a guest that is deaf to control messages: kill KILL works at once" "$problem"
canary_check "lies"
