import type { PortTraffic } from './firewall/port-counters.ts';

/** Counters of one interface, as the container sees them. */
export interface LinkCounters {
  rxBytes: number;
  txBytes: number;
  rxPackets: number;
  txPackets: number;
  rxErrors: number;
  txErrors: number;
  rxDropped: number;
  txDropped: number;
}

/** What the kernel has counted of a namespace, and of the ports published for it. */
export interface NamespaceStatistics {
  interfaces: Record<string, LinkCounters>;
  /** in the order in which the ports were asked for */
  ports: PortTraffic[];
}
