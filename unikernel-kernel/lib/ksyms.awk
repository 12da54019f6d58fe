# nm -n's listing of the kernel -> C: its functions by address, for backtraces. The
# addresses are relative to the first, which is where the text begins.
$2 ~ /^[tT]$/ && $3 !~ /\./ {
    if (!n++) base = substr($1, length($1) - 7)
    at[n] = substr($1, length($1) - 7)
    name[n] = $3
}
END {
    print "/* Made by ksyms.awk. */"
    print "#include \"ksyms.h\""
    print "const u32 ksym_count = " n + 0 ";"
    print "const u32 ksym_at[] = {"
    for (i = 1; i <= n; i++) print "    0x" at[i] ","
    print "    0 };"
    print "const char *const ksym_name[] = {"
    for (i = 1; i <= n; i++) print "    \"" name[i] "\","
    print "    0 };"
}
