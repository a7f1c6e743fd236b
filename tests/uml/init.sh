#!/bin/bash
# Runs as init inside Debian's user-mode-linux: a real 6.1 kernel that has `dummy`, legacy iptables and IPVS, with the
# host's root over hostfs. Gives the program of the test everything it needs, then powers off. `report` is what it tells.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t devtmpfs dev /dev
mount -t tmpfs modules /usr/lib/modules
mkdir -p "/usr/lib/modules/$(uname -r)"
mount --bind "/usr/lib/uml/modules/$(uname -r)" "/usr/lib/modules/$(uname -r)"
for module in ipv6 dummy iptable_raw ip6table_raw iptable_filter ip6table_filter xt_CT xt_comment xt_tcpudp xt_set ip_set_hash_ip; do
	modprobe "$module" || echo "no module $module" >&2
done
ip link set lo up
# shellcheck disable=SC2154 # the kernel puts words of its command line, such as python=..., into init's environment
"$python" "$program" >"$report" 2>"$report.err"
echo "exit $?" >>"$report.err"
echo o >/proc/sysrq-trigger
sleep 5
