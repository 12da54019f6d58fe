# docs/SYSCALLS.md from sys/syscalls.def:
#     awk -f unikernel-kernel/sys/syscalls-md.awk unikernel-kernel/sys/syscalls.def

# The fields of a line: number, name, "arguments", status or errno, "note" (which may
# hold commas and brackets).
function fields(line, f,    rest, i) {
    rest = substr(line, index(line, "(") + 1)
    for (i = 1; i <= 4; i++) {
        f[i] = substr(rest, 1, index(rest, ",") - 1)
        rest = substr(rest, index(rest, ",") + 1)
        gsub(/^[ "]+|[ "]+$/, "", f[i])
    }
    sub(/^[ ]*"/, "", rest)
    sub(/"\)[ ]*$/, "", rest)
    f[5] = rest
}

/^SYS\(/ {
    fields($0, f)
    row[++n] = "| " f[1] " | `" f[2] "` | " (f[4] == "FULL" ? "full" : "partial") " | " f[5] " |"
    count[f[4]]++
}

/^ABSENT\(/ {
    fields($0, f)
    if (f[4] != "ENOSYS" || f[5] != "")
        refused[++nr] = "| " f[1] " | `" f[2] "` | " f[4] " | " f[5] " |"
    else
        absent = absent (absent == "" ? "" : ", ") "`" f[2] "`"
    count["ABSENT"]++
}

END {
    print "# System calls\n"
    print "Generated from `unikernel-kernel/sys/syscalls.def`; don't edit. The guest kernel"
    printf "serves %d calls, %d of them with the limits noted; %d are absent.\n\n",
           count["FULL"] + count["PART"], count["PART"], count["ABSENT"]
    print "| number | name | support | limits |\n|---|---|---|---|"
    for (i = 1; i <= n; i++) print row[i]
    if (nr) {
        print "\n## Refused\n\n| number | name | answer | why |\n|---|---|---|---|"
        for (i = 1; i <= nr; i++) print refused[i]
    }
    print "\n## Absent\n\nThese answer ENOSYS; the first use of each is logged at debug level."
    print "\n" absent
}
