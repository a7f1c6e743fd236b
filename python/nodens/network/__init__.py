"""Decision -> kernel. The only room that speaks netlink, iptables and nft, and reads facts off the node."""
