#!/bin/sh
# A script for a machine with `ip` and `nft` and no engine: shell.sh open | setup <index> | teardown <index>.
# The published ports are elements of a map, for a rule per port would make it slower with every container.
set -eu

bridge=bench0
netns=bench$2
veth=veth$2
host=$(($2 + 2))
address=10.66.$((host / 256)).$((host % 256))
http=$((10000 + 2 * $2))
https=$((10001 + 2 * $2))

case $1 in
open)
  echo 1 >/proc/sys/net/ipv4/ip_forward
  ip link add $bridge type bridge
  ip address add 10.66.0.1/16 dev $bridge
  ip link set $bridge up
  nft -f - <<'RULES'
    table ip bench {
      map published {
        type inet_proto . inet_service : ipv4_addr . inet_service
      }
      chain prerouting {
        type nat hook prerouting priority dstnat
        fib daddr type local dnat to meta l4proto . th dport map @published
      }
      chain output {
        type nat hook output priority -100
        fib daddr type local dnat to meta l4proto . th dport map @published
      }
      chain postrouting {
        type nat hook postrouting priority srcnat
        ip saddr 10.66.0.0/16 oifname != "bench0" masquerade
      }
    }
RULES
  ;;
setup)
  ip netns add "$netns"
  ip link add "$veth" type veth peer name eth0 netns "$netns"
  ip link set "$veth" master $bridge up
  ip -netns "$netns" link set lo up
  ip -netns "$netns" address add "$address/16" dev eth0
  ip -netns "$netns" link set eth0 up
  ip -netns "$netns" route add default via 10.66.0.1
  nft add element ip bench published "{ tcp . $http : $address . 80, tcp . $https : $address . 443 }"
  ;;
teardown)
  nft delete element ip bench published "{ tcp . $http, tcp . $https }"
  ip link delete "$veth"
  ip netns delete "$netns"
  ;;
esac
