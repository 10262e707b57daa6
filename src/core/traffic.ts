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

/** The kernel's counters of a namespace, and of the ports published for it. */
export interface NamespaceStatistics {
  interfaces: Record<string, LinkCounters>;
  /** in the order of the request */
  ports: PortTraffic[];
}
