# process.terminal with xenc run in the foreground; script(1) gives the terminal.
load helpers

# on_tty COMMAND: runs it on a new terminal with our input as what is typed; output as
# the terminal shows it, without carriage returns.
on_tty() {
    command -v script > /dev/null || skip "no script(1) (package bsdutils)"
    timeout -k 5 60 script -qec "$1" /dev/null 3>&- | tr -d '\r'
}

@test "an interactive shell: echo, window size, exit status" {
    TERMINAL=true bundle "$B" sh
    { sleep 1; echo 'stty size'; sleep 0.5; echo 'exit 5'; sleep 1; } |
        on_tty "stty rows 33 cols 99; '$XENC' --root '$ROOT' run -b '$B' x; echo status=\$?" > "$T/out"
    grep -q '^33 99$' "$T/out"
    grep -q '^status=5$' "$T/out"
    nothing_left
}

@test "Ctrl-C goes to the foreground job, not to xenc" {
    TERMINAL=true bundle "$B" sh
    { sleep 1; echo 'sleep 100'; sleep 0.7; printf '\003'; sleep 0.7; echo 'echo interrupted=$?';
      sleep 0.5; echo 'exit 0'; sleep 1; } |
        on_tty "'$XENC' --root '$ROOT' run -b '$B' x; echo status=\$?" > "$T/out"
    grep -q '^interrupted=130$' "$T/out"
    grep -q '^status=0$' "$T/out"
}

@test "a new window size reaches the program" {
    TERMINAL=true bundle "$B" sh
    { sleep 2.5; echo 'stty size'; sleep 0.5; echo exit; sleep 1; } |
        on_tty "stty rows 10 cols 20; (sleep 1.5; stty rows 44 cols 55 < /dev/tty) & '$XENC' --root '$ROOT' run -b '$B' x" \
        > "$T/out"
    grep -q '^44 55$' "$T/out"
}

@test "the caller's terminal modes are put back" {
    TERMINAL=true bundle "$B" sh -c 'stty raw -echo; exit 1'
    sleep 2 | on_tty "stty -g; '$XENC' --root '$ROOT' run -b '$B' x; stty -g" > "$T/out"
    [ "$(sed -n 1p "$T/out")" = "$(sed -n 2p "$T/out")" ]
    TERMINAL=true bundle "$B" sleep 1000
    sleep 4 | on_tty "stty -g; (sleep 2; '$XENC' --root '$ROOT' kill x KILL) & '$XENC' --root '$ROOT' run -b '$B' x; stty -g" > "$T/out"
    [ "$(sed -n 1p "$T/out")" = "$(sed -n 2p "$T/out")" ]
    nothing_left
}

@test "all output arrives, also of a program that ends at once" {
    TERMINAL=true bundle "$B" sh -c 'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done'
    sleep 5 | on_tty "'$XENC' --root '$ROOT' run -b '$B' x" > "$T/out"
    [ "$(grep -c '^line ' "$T/out")" -eq 2000 ]
}
