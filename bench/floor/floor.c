/*
 * The kernel's own price of one container's network: the requests of netloom's set-up and teardown to the kernel, made
 * by a C program that does nothing else. Other engines, and netloom, are measured against it.
 *
 * A set-up is: two TCP host ports bound, in both families; a new network namespace, pinned at a path; a veth (one
 * queue) whose other end is made there under its name and hardware address; the host's end a hairpin port of the
 * bridge, with an alias, without IPv6 addresses, up; inside lo and eth0 up with their settings (of IPv6 by the defaults
 * of the namespace, of IPv4 by netlink), an IPv4 address, a default route; and the elements of two published ports (a
 * map of where they lead, a set of counters for each direction) and of what the link may send (itself, its MAC, its
 * address, in a table of bridges) with a comment, in one transaction, before the link. A teardown is the inverse: the
 * elements of the ports, the namespace (its veth goes along), the ports. Like netloom it does not wait until the kernel
 * has unregistered the veth; the next command does, removes the link's elements, and is not timed.
 *
 * It has all values in advance, and leaves out what else netloom does for a container: the names of the resolver
 * (DNS is off), the journal, events, looking for conflicts, watching, undoing step by step.
 *
 * With `--without-settings` the interfaces keep the settings that the kernel gives them: the difference is what they
 * cost.
 *
 * Makes a bridge and the tables `inet floor` and `bridge floor` in its namespace, prints `ready`,
 * and answers each of `setup <index>`, `teardown <index>` and `quit` with one line: milliseconds, or `error <text>`.
 * Removes all of it when its input ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "netlink.h"

#define BRIDGE "floor-bridge"
#define MOST_CONTAINERS 20000
#define PORTS 2
#define FIRST_HOST_PORT 10000
#define PREFIX_LENGTH 16
#define ADDRESS(host) (10u << 24 | 66u << 16 | (host))
#define GATEWAY ADDRESS(1)

/* The kinds of sets that netloom has for published ports, and a rule that uses them. */
static const char ruleset[] =
    "table inet floor {\n"
    "  map published { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
    "  set counted { type ct_dir . inet_proto . inet_service; counter; }\n"
    "  chain prerouting {\n"
    "    type nat hook prerouting priority dstnat;\n"
    "    fib daddr type local meta nfproto ipv4 dnat ip to meta l4proto . th dport map @published\n"
    "  }\n"
    "  chain count {\n"
    "    type filter hook postrouting priority filter;\n"
    "    ct status dnat meta l4proto tcp ct direction . meta l4proto . ct original proto-dst @counted accept\n"
    "  }\n"
    "}\n"
    "table bridge floor {\n"
    "  set sources { type ifname . ether_addr . ipv4_addr; }\n"
    "  set macs { type ifname . ether_addr; }\n"
    "  set held { type ifname; counter; }\n"
    "  chain prerouting {\n"
    "    type filter hook prerouting priority dstnat;\n"
    "    ether type ip iifname . ether saddr . ip saddr @sources accept\n"
    "    iifname . ether saddr @macs ether type arp iifname . arp saddr ether . arp saddr ip @sources accept\n"
    "    iifname @held drop\n"
    "  }\n"
    "}\n";

static const uint16_t container_ports[PORTS] = {80, 443};
static const int families[] = {AF_INET, AF_INET6};
enum { HELD = PORTS * sizeof families / sizeof *families };

/* home: the namespace that it was started in */
static int home, route, nft;
static bool with_settings = true;
static uint32_t bridge_index;
static char directory[64];
static struct container {
  bool up;
  int held[HELD];
} containers[MOST_CONTAINERS];

/* What was attempted when something failed: one thread, one command at a time. */
static const char* failed_at;

static bool succeeded(int error, const char* what) {
  if (error == 0) return true;
  failed_at = what;
  errno = error;
  return false;
}

static bool has(int result, const char* what) { return succeeded(result < 0 ? errno : 0, what); }

/* ----------------------------------------------------------------------------------------------- names */

static void pin_path(char path[96], unsigned index) { snprintf(path, 96, "%s/%u", directory, index); }
static void veth_name(char name[IFNAMSIZ], unsigned index) { snprintf(name, IFNAMSIZ, "floor%u", index); }
static void owner_name(char name[32], unsigned index) { snprintf(name, 32, "container/bench%u", index); }
static void container_mac(uint8_t mac[6], unsigned index) {
  const uint8_t bytes[6] = {0x02, 0xf1, 0, 0, index >> 8, index};
  memcpy(mac, bytes, 6);
}

/* 0: no link has that name where the socket was opened. Any socket takes this, and asks without the kernel's lock. */
static uint32_t link_index(int fd, const char* name) {
  struct ifreq request = {0};
  strcpy(request.ifr_name, name);
  return ioctl(fd, SIOCGIFINDEX, &request) == 0 ? request.ifr_ifindex : 0;
}

/* ----------------------------------------------------------------------------------------------- ports */

static int bind_port(int family, uint16_t port) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd < 0) return -1;
  const struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const int bound = family == AF_INET ? bind(fd, (const struct sockaddr*)&any4, sizeof any4)
                                      : bind(fd, (const struct sockaddr*)&any6, sizeof any6);
  if (bound == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static uint16_t host_port(unsigned index, int port) { return FIRST_HOST_PORT + PORTS * index + port; }

static bool hold_ports(unsigned index) {
  int* held = containers[index].held;
  for (int i = 0; i < HELD; i++)
    if (!has(held[i] = bind_port(families[i % 2], host_port(index, i / 2)), "hold port")) return false;
  return true;
}

static void let_ports_go(unsigned index) {
  for (int i = 0; i < HELD; i++)
    if (containers[index].held[i] >= 0) close(containers[index].held[i]);
}

/* ------------------------------------------------------------------------------------------ namespaces */

/* sysctl -w net.ipv6.conf.default.<name>=0, where this thread is: every interface to come begins with it. */
static bool set_ipv6_default(int proc, const char* name) {
  char path[96];
  snprintf(path, sizeof path, "sys/net/ipv6/conf/default/%s", name);
  const int file = openat(proc, path, O_WRONLY | O_CLOEXEC);
  const bool done = file >= 0 && write(file, "0", 1) == 1;
  if (file >= 0) close(file);
  return done;
}

/*
 * Uses an unmounted instance of proc, as netloom does: a look-up below /proc/sys/net compares the name with
 * those of every namespace that was looked up through the same instance.
 */
static int open_proc(void) {
  const int context = syscall(SYS_fsopen, "proc", 1 /* FSOPEN_CLOEXEC */);
  if (context < 0) return -1;
  const int created = syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0);
  const int proc = created < 0 ? -1 : syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, 0);
  close(context);
  return proc;
}

static bool set_ipv6_defaults(void) {
  if (!with_settings) return true;
  const int proc = open_proc();
  if (proc < 0) return false;
  const bool done =
      set_ipv6_default(proc, "accept_ra") && set_ipv6_default(proc, "autoconf") && set_ipv6_default(proc, "accept_dad");
  close(proc);
  return done;
}

/*
 * ip netns add <path>. Returns a socket inside it, or -1. The only thread enters the namespace and returns; a
 * throw-away thread costs 0.1 ms more.
 */
static int create_netns(const char* path) {
  const int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (!has(file, "create pin")) return -1;
  close(file);
  if (!has(unshare(CLONE_NEWNET), "create netns")) return -1;
  const int inside = netlink_open(NETLINK_ROUTE);
  const bool pinned = has(inside, "open route socket") && has(set_ipv6_defaults() ? 0 : -1, "set defaults") &&
                      has(mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL), "pin netns");
  const int error = errno;
  if (setns(home, CLONE_NEWNET) != 0) abort();
  if (pinned) return inside;
  if (inside >= 0) close(inside);
  errno = error;
  return -1;
}

static void remove_netns(const char* path) {
  umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
  unlink(path);
}

/* ----------------------------------------------------------------------------------------------- links */

static void link_begin(struct batch* batch, const char* name, uint16_t flags, bool up) {
  const struct ifinfomsg header = {.ifi_flags = up ? IFF_UP : 0, .ifi_change = up ? IFF_UP : 0};
  message_begin(batch, RTM_NEWLINK, NLM_F_ACK | flags, &header, sizeof header);
  put_string(batch, IFLA_IFNAME, name);
}

static void put_one_queue(struct batch* batch) {
  put_u32(batch, IFLA_NUM_TX_QUEUES, 1);
  put_u32(batch, IFLA_NUM_RX_QUEUES, 1);
}

/* sysctl -w net.ipv4.conf.<link>.rp_filter=2 arp_notify=1 */
static void put_ipv4_settings(struct batch* batch) {
  const size_t family = nest_begin(batch, AF_INET);
  const size_t settings = nest_begin(batch, IFLA_INET_CONF);
  put_u32(batch, IPV4_DEVCONF_RP_FILTER, 2);
  put_u32(batch, IPV4_DEVCONF_ARP_NOTIFY, 1);
  nest_end(batch, settings);
  nest_end(batch, family);
}

static void put_specification(struct batch* batch, bool with_ipv4_settings) {
  const size_t specification = nest_begin(batch, IFLA_AF_SPEC);
  if (with_ipv4_settings) put_ipv4_settings(batch);
  const size_t family = nest_begin(batch, AF_INET6);
  put_u8(batch, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  nest_end(batch, family);
  nest_end(batch, specification);
}

static void put_no_ipv6_address(struct batch* batch) { put_specification(batch, false); }

/*
 * ip link add <name> address <mac> numtxqueues 1 numrxqueues 1 master floor-bridge type veth peer eth0 address <mac>
 *   netns <netns> …
 */
static void add_veth(struct batch* batch, const char* name, unsigned index, int netns) {
  const uint8_t port_mac[6] = {0xfe, 0xf0, 0, 0, 0, 1};
  uint8_t mac[6];
  container_mac(mac, index);
  const struct ifinfomsg none = {0};
  link_begin(batch, name, NLM_F_CREATE | NLM_F_EXCL, false);
  put(batch, IFLA_ADDRESS, port_mac, sizeof port_mac);
  put_u32(batch, IFLA_MASTER, bridge_index);
  put_one_queue(batch);
  const size_t info = nest_begin(batch, IFLA_LINKINFO);
  put_string(batch, IFLA_INFO_KIND, "veth");
  const size_t data = nest_begin(batch, IFLA_INFO_DATA);
  const size_t peer = nest_begin(batch, VETH_INFO_PEER);
  append(batch, &none, sizeof none);
  put_string(batch, IFLA_IFNAME, "eth0");
  put(batch, IFLA_ADDRESS, mac, 6);
  put_one_queue(batch);
  put_u32(batch, IFLA_NET_NS_FD, netns);
  nest_end(batch, peer);
  nest_end(batch, data);
  nest_end(batch, info);
}

/* ip link set <name> alias <owner> addrgenmode none type bridge_slave hairpin on; not yet up: that would make addresses
 */
static void set_bridge_port(struct batch* batch, const char* name, const char* owner) {
  link_begin(batch, name, 0, false);
  put(batch, IFLA_IFALIAS, owner, strlen(owner));
  const size_t info = nest_begin(batch, IFLA_LINKINFO);
  put_string(batch, IFLA_INFO_SLAVE_KIND, "bridge");
  const size_t port = nest_begin(batch, IFLA_INFO_SLAVE_DATA);
  put_u8(batch, IFLA_BRPORT_MODE, 1);
  nest_end(batch, port);
  nest_end(batch, info);
  put_no_ipv6_address(batch);
}

static bool connect_to_bridge(unsigned index, const char* path) {
  char name[IFNAMSIZ], owner[32];
  veth_name(name, index);
  owner_name(owner, index);
  const int netns = open(path, O_RDONLY | O_CLOEXEC);
  if (!has(netns, "open netns")) return false;
  struct batch batch;
  batch_clear(&batch);
  add_veth(&batch, name, index, netns);
  set_bridge_port(&batch, name, owner);
  link_begin(&batch, name, 0, true);
  const int error = netlink_perform(route, &batch);
  close(netns);
  return succeeded(error, "add veth");
}

/* ---------------------------------------------------------------------------------------------- inside */

static void add_address(struct batch* batch, uint32_t link, uint32_t address) {
  const struct ifaddrmsg header = {.ifa_family = AF_INET, .ifa_prefixlen = PREFIX_LENGTH, .ifa_index = link};
  const uint32_t bytes = htonl(address);
  message_begin(batch, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
  put(batch, IFA_LOCAL, &bytes, sizeof bytes);
  put(batch, IFA_ADDRESS, &bytes, sizeof bytes);
}

static void add_default_route(struct batch* batch, uint32_t link) {
  const struct rtmsg header = {.rtm_family = AF_INET,
                               .rtm_table = RT_TABLE_MAIN,
                               .rtm_protocol = RTPROT_STATIC,
                               .rtm_scope = RT_SCOPE_UNIVERSE,
                               .rtm_type = RTN_UNICAST};
  message_begin(batch, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
  put_u32(batch, RTA_GATEWAY, htonl(GATEWAY));
  put_u32(batch, RTA_OIF, link);
  put_u32(batch, RTA_PRIORITY, 100);
}

static bool configure_inside(int socket, unsigned index) {
  const uint32_t link = link_index(socket, "eth0");
  struct batch batch;
  batch_clear(&batch);
  link_begin(&batch, "lo", 0, true);
  link_begin(&batch, "eth0", 0, false);
  put_specification(&batch, with_settings);
  link_begin(&batch, "eth0", 0, true);
  add_address(&batch, link, ADDRESS(index + 2));
  add_default_route(&batch, link);
  return succeeded(netlink_perform(socket, &batch), "configure inside");
}

/* -------------------------------------------------------------------------------------------- elements */

/* Fields of keys and values, four bytes each. */
static uint32_t proto(uint8_t number) { return htonl((uint32_t)number << 24); }
static uint32_t port_field(uint16_t port) { return htonl((uint32_t)port << 16); }

static void put_data(struct batch* batch, uint16_t type, const uint32_t* fields, size_t count) {
  const size_t data = nest_begin(batch, type);
  put(batch, NFTA_DATA_VALUE, fields, count * sizeof *fields);
  nest_end(batch, data);
}

/* A comment as libnftnl keeps it: type, length, text. */
static void put_comment(struct batch* batch, const char* text) {
  char bytes[64] = {0, strlen(text) + 1};
  strcpy(bytes + 2, text);
  put(batch, NFTA_SET_ELEM_USERDATA, bytes, 2 + strlen(text) + 1);
}

static void change_element(struct batch* batch, uint8_t nf_family, uint16_t verb, const char* set, const uint32_t* key,
                           size_t fields, const uint32_t* data, const char* owner, bool last) {
  const struct nfgenmsg header = {.nfgen_family = nf_family, .version = NFNETLINK_V0};
  const uint16_t flags = (verb == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0) | (last ? NLM_F_ACK : 0);
  message_begin(batch, NFNL_SUBSYS_NFTABLES << 8 | verb, flags, &header, sizeof header);
  put_string(batch, NFTA_SET_ELEM_LIST_TABLE, "floor");
  put_string(batch, NFTA_SET_ELEM_LIST_SET, set);
  const size_t list = nest_begin(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
  const size_t item = nest_begin(batch, NFTA_LIST_ELEM);
  put_data(batch, NFTA_SET_ELEM_KEY, key, fields);
  if (data) put_data(batch, NFTA_SET_ELEM_DATA, data, 2);
  put_comment(batch, owner);
  nest_end(batch, item);
  nest_end(batch, list);
}

static void boundary(struct batch* batch, uint16_t type) {
  const struct nfgenmsg header = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
  message_begin(batch, type, 0, &header, sizeof header);
}

static void change_ports(struct batch* batch, unsigned index, uint16_t verb, bool last) {
  char owner[32];
  owner_name(owner, index);
  for (int i = 0; i < PORTS; i++) {
    const uint32_t protocol = proto(IPPROTO_TCP), host = port_field(host_port(index, i));
    const uint32_t published[] = {protocol, host};
    const uint32_t target[] = {htonl(ADDRESS(index + 2)), port_field(container_ports[i])};
    const uint32_t asked[] = {proto(0), protocol, host}, answered[] = {proto(1), protocol, host};
    change_element(batch, NFPROTO_INET, verb, "published", published, 2, target, owner, false);
    change_element(batch, NFPROTO_INET, verb, "counted", asked, 3, NULL, owner, false);
    change_element(batch, NFPROTO_INET, verb, "counted", answered, 3, NULL, owner, last && i == PORTS - 1);
  }
}

/* What the link may send: its name has 16 bytes, its MAC is padded to 8. */
static void change_link(struct batch* batch, unsigned index, uint16_t verb) {
  char owner[32];
  owner_name(owner, index);
  struct {
    char name[IFNAMSIZ];
    uint8_t mac[8];
    uint32_t address;
  } key = {.address = htonl(ADDRESS(index + 2))};
  veth_name(key.name, index);
  container_mac(key.mac, index);
  const uint32_t* words = (const uint32_t*)(const void*)&key;
  change_element(batch, NFPROTO_BRIDGE, verb, "held", words, 4, NULL, owner, false);
  change_element(batch, NFPROTO_BRIDGE, verb, "macs", words, 6, NULL, owner, false);
  change_element(batch, NFPROTO_BRIDGE, verb, "sources", words, 7, NULL, owner, true);
}

static bool add_elements(unsigned index) {
  struct batch batch;
  batch_clear(&batch);
  boundary(&batch, NFNL_MSG_BATCH_BEGIN);
  change_ports(&batch, index, NFT_MSG_NEWSETELEM, false);
  change_link(&batch, index, NFT_MSG_NEWSETELEM);
  boundary(&batch, NFNL_MSG_BATCH_END);
  return succeeded(netlink_perform(nft, &batch), "add elements");
}

static bool delete_ports(unsigned index) {
  struct batch batch;
  batch_clear(&batch);
  boundary(&batch, NFNL_MSG_BATCH_BEGIN);
  change_ports(&batch, index, NFT_MSG_DELSETELEM, true);
  boundary(&batch, NFNL_MSG_BATCH_END);
  return succeeded(netlink_perform(nft, &batch), "delete elements");
}

/* When the link has gone. */
static bool delete_link_elements(unsigned index) {
  struct batch batch;
  batch_clear(&batch);
  boundary(&batch, NFNL_MSG_BATCH_BEGIN);
  change_link(&batch, index, NFT_MSG_DELSETELEM);
  boundary(&batch, NFNL_MSG_BATCH_END);
  return succeeded(netlink_perform(nft, &batch), "change elements");
}

/* ------------------------------------------------------------------------------------------ containers */

static bool set_up(unsigned index) {
  char path[96];
  pin_path(path, index);
  if (!hold_ports(index)) return false;
  const int inside = create_netns(path);
  if (inside < 0) return false;
  const bool done = add_elements(index) && connect_to_bridge(index, path) && configure_inside(inside, index);
  /* an open socket would keep the namespace alive */
  close(inside);
  return done;
}

static bool tear_down(unsigned index) {
  char path[96];
  pin_path(path, index);
  const bool done = delete_ports(index);
  remove_netns(path);
  let_ports_go(index);
  containers[index].up = false;
  return done;
}

/* A set-up that fails leaves nothing behind and reports its first failure. */
static bool set_up_or_nothing(unsigned index) {
  for (int i = 0; i < HELD; i++) containers[index].held[i] = -1;
  if (set_up(index)) return containers[index].up = true;
  const char* first = failed_at;
  const int error = errno;
  tear_down(index);
  delete_link_elements(index);
  return succeeded(error, first);
}

/* The link of the last teardown; -1 when there is none to wait for. */
static int torn_down = -1;

/* The kernel unregisters a veth some milliseconds after its namespace was dropped. */
static void wait_until_gone(void) {
  char name[IFNAMSIZ];
  if (torn_down < 0) return;
  veth_name(name, torn_down);
  for (int i = 0; i < 20000 && link_index(route, name) != 0; i++) usleep(200);
  delete_link_elements(torn_down);
}

/* -------------------------------------------------------------------------------------------- the host */

/* ip link add floor-bridge address <mac> type bridge; …addrgenmode none, up; ip addr add 10.66.0.1/16 dev floor-bridge
 */
static bool make_bridge(void) {
  const uint8_t mac[6] = {0x02, 0xf0, 0, 0, 0, 1};
  struct batch batch;
  batch_clear(&batch);
  link_begin(&batch, BRIDGE, NLM_F_CREATE | NLM_F_EXCL, false);
  /* its own address, otherwise every port that is added or removed would change it */
  put(&batch, IFLA_ADDRESS, mac, sizeof mac);
  const size_t info = nest_begin(&batch, IFLA_LINKINFO);
  put_string(&batch, IFLA_INFO_KIND, "bridge");
  nest_end(&batch, info);
  link_begin(&batch, BRIDGE, 0, false);
  put_no_ipv6_address(&batch);
  link_begin(&batch, BRIDGE, 0, true);
  if (!succeeded(netlink_perform(route, &batch), "add bridge")) return false;
  bridge_index = link_index(route, BRIDGE);
  batch_clear(&batch);
  add_address(&batch, bridge_index, GATEWAY);
  return succeeded(netlink_perform(route, &batch), "add gateway");
}

static void delete_bridge(void) {
  const struct ifinfomsg header = {.ifi_index = bridge_index};
  struct batch batch;
  batch_clear(&batch);
  message_begin(&batch, RTM_DELLINK, NLM_F_ACK, &header, sizeof header);
  netlink_perform(route, &batch);
}

static bool load_table(void) {
  FILE* program = popen("PATH=$PATH:/usr/sbin:/sbin nft -f -", "w");
  if (!program) return has(-1, "run nft");
  fputs(ruleset, program);
  return succeeded(pclose(program) == 0 ? 0 : ENOEXEC, "load table");
}

static void delete_table(uint8_t nf_family) {
  const struct nfgenmsg header = {.nfgen_family = nf_family, .version = NFNETLINK_V0};
  struct batch batch;
  batch_clear(&batch);
  boundary(&batch, NFNL_MSG_BATCH_BEGIN);
  message_begin(&batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, NLM_F_ACK, &header, sizeof header);
  put_string(&batch, NFTA_TABLE_NAME, "floor");
  boundary(&batch, NFNL_MSG_BATCH_END);
  netlink_perform(nft, &batch);
}

static bool open_host(void) {
  const char* temporary = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%.40s/floor-XXXXXX", temporary ? temporary : "/tmp");
  return has(mkdtemp(directory) ? 0 : -1, "make directory") &&
         has(home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "open netns") &&
         has(route = netlink_open(NETLINK_ROUTE), "open route socket") &&
         has(nft = netlink_open(NETLINK_NETFILTER), "open nft socket") && make_bridge() && load_table();
}

static void close_host(void) {
  for (unsigned index = 0; index < MOST_CONTAINERS; index++)
    if (containers[index].up) tear_down(torn_down = index);
  wait_until_gone();
  if (bridge_index) delete_bridge();
  delete_table(NFPROTO_INET);
  delete_table(NFPROTO_BRIDGE);
  rmdir(directory);
}

/* -------------------------------------------------------------------------------------------- commands */

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void answer(bool (*work)(unsigned), unsigned index) {
  wait_until_gone();
  torn_down = work == tear_down ? (int)index : -1;
  const double started_ms = now_ms();
  if (work(index))
    printf("%.4f\n", now_ms() - started_ms);
  else
    printf("error %s: %s\n", failed_at, strerror(errno));
}

/* false: that was the last one. */
static bool obey(const char* line) {
  unsigned index;
  char end;
  if (strcmp(line, "quit\n") == 0) return false;
  const bool comes = sscanf(line, "setup %u%c", &index, &end) == 2 && end == '\n';
  const bool goes = !comes && sscanf(line, "teardown %u%c", &index, &end) == 2 && end == '\n';
  if (!comes && !goes)
    printf("error expected setup <index>, teardown <index> or quit\n");
  else if (index >= MOST_CONTAINERS)
    printf("error expected an index below %d\n", MOST_CONTAINERS);
  else if (containers[index].up == comes)
    printf("error container %u is %s\n", index, comes ? "set up already" : "not set up");
  else
    answer(comes ? set_up_or_nothing : tear_down, index);
  return true;
}

int main(int count, char** arguments) {
  with_settings = count < 2 || strcmp(arguments[1], "--without-settings") != 0;
  const bool opened = open_host();
  if (opened)
    printf("ready\n");
  else
    printf("error %s: %s\n", failed_at, strerror(errno));
  fflush(stdout);
  for (char line[64]; opened && fgets(line, sizeof line, stdin) && obey(line);) fflush(stdout);
  const double started_ms = now_ms();
  close_host();
  if (opened) printf("%.4f\n", now_ms() - started_ms);
  return opened ? 0 : 1;
}
