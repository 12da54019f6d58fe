# process.terminal with xenc run in the foreground; script(1) gives the terminal.
load helpers

# on_tty COMMAND: runs it on a new terminal; `type` types, `seen` waits for output.
on_tty() {
    command -v script > /dev/null || skip "no script(1) (package bsdutils)"
    mkfifo "$T/keys"
    timeout -k 5 $((60 * SLOWER)) script -qec "$1" /dev/null < "$T/keys" > "$T/raw" 2>&1 3>&- &
    TTY=$!
    exec 5> "$T/keys"
}

type() { printf "$@" >&5; }

# seen PATTERN: a whole line, without carriage returns and escape sequences
screen() { sed 's/\x1b\[[0-9]*[a-zA-Z]//g; s/\r//g' "$T/raw"; }
seen() {
    local i
    for i in $(seq $((200 * SLOWER))); do
        screen | grep -q "$1" && return 0
        sleep 0.1
    done
    echo "not seen: $1, but:"
    screen
    return 1
}

ended() {
    wait $TTY || true
    exec 5>&-
    nothing_left
}

@test "an interactive shell: echo, window size, exit status" {
    TERMINAL=true bundle "$B" sh
    on_tty "stty rows 33 cols 99; '$XENC' --root '$ROOT' run -b '$B' x; echo status=\$?"
    seen '/ # $'
    type 'stty size\n'
    seen '^33 99$'
    type 'exit 5\n'
    seen '^status=5$'
    ended
}

@test "Ctrl-C goes to the foreground job, not to xenc" {
    TERMINAL=true bundle "$B" sh
    on_tty "'$XENC' --root '$ROOT' run -b '$B' x; echo status=\$?"
    seen '/ # $'
    type 'echo now; sleep 1000\n'
    seen '^now$'
    sleep 0.5
    type '\003'
    seen '^^C$'
    type 'echo interrupted=$?\n'
    seen '^interrupted=130$'
    type 'exit 0\n'
    seen '^status=0$'
    ended
}

@test "Ctrl-Z and fg: job control" {
    TERMINAL=true bundle "$B" sh
    on_tty "'$XENC' --root '$ROOT' run -b '$B' x; echo status=\$?"
    seen '/ # $'
    type 'cat\n'
    sleep 0.5
    type '\032'
    seen 'Stopped .*cat'
    type 'fg\n'
    sleep 0.5
    type 'again\n'
    sleep 0.5
    type '\004'
    sleep 0.5
    type 'exit 3\n'
    seen '^status=3$'
    [ "$(screen | grep -c '^again$')" -eq 2 ]
    ended
}

@test "a new window size reaches the program" {
    TERMINAL=true bundle "$B" sh -c 'trap "stty size" WINCH; echo ready; while :; do sleep 0.1; done'
    on_tty "stty rows 10 cols 20; tty > '$T/tty'; '$XENC' --root '$ROOT' run -b '$B' x"
    seen '^ready$'
    stty rows 44 cols 55 < "$(cat "$T/tty")"
    seen '^44 55$'
    xenc kill x KILL
    ended
}

@test "the caller's terminal modes are put back" {
    TERMINAL=true bundle "$B" sh -c 'stty raw -echo; exit 1'
    on_tty "stty -g; '$XENC' --root '$ROOT' run -b '$B' x; stty -g; echo end"
    seen '^end$'
    ended
    [ "$(screen | sed -n 1p)" = "$(screen | sed -n 2p)" ]
}

@test "they are put back after a kill as well" {
    TERMINAL=true bundle "$B" sleep 1000
    on_tty "stty -g; '$XENC' --root '$ROOT' run -b '$B' x; stty -g; echo end"
    wait_status x running
    xenc kill x KILL
    seen '^end$'
    ended
    [ "$(screen | sed -n 1p)" = "$(screen | sed -n 2p)" ]
}

@test "all output arrives, also of a program that ends at once" {
    TERMINAL=true bundle "$B" sh -c 'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done'
    on_tty "'$XENC' --root '$ROOT' run -b '$B' x; echo end"
    seen '^end$'
    [ "$(screen | grep -c '^line ')" -eq 2000 ]
    ended
}
