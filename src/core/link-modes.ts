/** Modes, spelt as `ip link` and `ip route` spell them. */
export type MacvlanMode = 'bridge' | 'private' | 'vepa' | 'passthru' | 'source';
export type IpvlanMode = 'l2' | 'l3' | 'l3s';
export type RouteType = 'unicast' | 'blackhole' | 'unreachable' | 'prohibit';
