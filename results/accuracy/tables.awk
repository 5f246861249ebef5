# SPDX-License-Identifier: Apache-2.0
# Errors of `moecost validate --rows` by classes: medians and means of |predicted/measured - 1| in %, the share of rows inside
# the 80 % interval that the answer states. usage: awk -v by=COLUMN[,COLUMN] [-v mean=1] -f tables.awk ROWS.csv
function field(name) { return $(column[name]) }
function abs(x) { return x < 0 ? -x : x }
function add(key, figure, ratio, sd,    n) {
    if (ratio == "" || ratio <= 0) return
    n = ++count[key, figure]
    error[key, figure, n] = abs(ratio - 1)
    sum[key, figure] += abs(ratio - 1)
    if (sd != "" && sd > 0) { stated[key, figure]++; inside[key, figure] += abs(log(ratio)) <= 1.2815515655 * sd }
}
function median(key, figure,    n, i, j, t) {
    n = count[key, figure]
    for (i = 2; i <= n; ++i) {
        t = error[key, figure, i]
        for (j = i - 1; j >= 1 && error[key, figure, j] > t; --j) error[key, figure, j + 1] = error[key, figure, j]
        error[key, figure, j + 1] = t
    }
    return n % 2 ? error[key, figure, (n + 1) / 2] : (error[key, figure, n / 2] + error[key, figure, n / 2 + 1]) / 2
}
function shown(key, figure,    n) {
    n = count[key, figure]
    return n ? sprintf("%.1f / %.1f", 100 * median(key, figure), 100 * sum[key, figure] / n) : "-"
}
function covered(key, figure) {
    return stated[key, figure] ? sprintf("%.0f", 100 * inside[key, figure] / stated[key, figure]) : "-"
}
BEGIN { FS = ","; names = split(by, part, ",") }
# Commas inside quotes are no separators.
{
    rest = $0
    plain = ""
    while (match(rest, /"[^"]*"/)) {
        inner = substr(rest, RSTART + 1, RLENGTH - 2)
        gsub(/,/, ";", inner)
        plain = plain substr(rest, 1, RSTART - 1) inner
        rest = substr(rest, RSTART + RLENGTH)
    }
    $0 = plain rest
}
FNR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
{
    key = ""
    for (i = 1; i <= names; ++i) key = key (i > 1 ? " | " : "") field(part[i])
    if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
    add(key, "x", field("throughput_ratio"), field("throughput_log_sd"))
    add(key, "tpot", field("tpot_ratio"), field("tpot_log_sd"))
    add(key, "ttft", field("ttft_ratio"), field("ttft_log_sd"))
    add(key, "ttft99", field("ttft_p99_ratio"), "")
    add(key, "tpot99", field("tpot_p99_ratio"), "")
}
END {
    line = "|"
    for (i = 1; i <= names; ++i) line = line " " part[i] " |"
    print line " rows | throughput | TPOT | TTFT | p99 TPOT | p99 TTFT | in 80 %: throughput | TPOT | TTFT |"
    line = "|"
    for (i = 1; i <= names + 9; ++i) line = line "---|"
    print line
    for (i = 1; i <= keys; ++i) {
        key = order[i]
        n = count[key, "x"] > count[key, "tpot"] ? count[key, "x"] : count[key, "tpot"]
        printf "| %s | %d | %s | %s | %s | %s | %s | %s | %s | %s |\n", key, n, shown(key, "x"), shown(key, "tpot"),
            shown(key, "ttft"), shown(key, "tpot99"), shown(key, "ttft99"), covered(key, "x"), covered(key, "tpot"),
            covered(key, "ttft")
    }
}
