import { type CloudEvent, isOmitted, type WholeEvent } from '../contract/cloud-event.ts';
import type { Fault } from '../core/fault.ts';
import type { SettingDrift } from '../core/plan/interface-settings.ts';
import type { ShownPort } from '../core/port.ts';
import type { WayOut } from '../core/uplink.ts';
import { addresses } from './describe.ts';
import { portText } from './port-mapping.ts';

type Part = string | false | null | undefined;

/** Returns the most important details of an event: `10.89.0.2  8080->80/tcp`. `shown` shortens IDs of containers. */
export function detailsOf(event: CloudEvent, shown: (id: string) => string): string {
  if (isOmitted(event)) return `details omitted: ${event.data.omitted}`;
  try {
    return partsOf(event, shown).filter(Boolean).join('  ');
  } catch {
    return JSON.stringify(event.data); // the stream keeps events of earlier versions, whose fields may be different
  }
}

function partsOf(event: WholeEvent, shown: (id: string) => string): Part[] {
  switch (event.type) {
    case 'dev.netloom.container.created':
      return [event.data.mode, event.data.networks.join(', ')];
    case 'dev.netloom.container.configured':
      return [addresses(event.data.status).join(', ') || event.data.netns.path, portsText(event.data.ports)];
    case 'dev.netloom.container.netns-ready':
    case 'dev.netloom.container.adopted':
    case 'dev.netloom.container.tearing-down':
      return [event.data.netns.path];
    case 'dev.netloom.container.running':
      return [pidText(event.data)];
    case 'dev.netloom.container.exited':
      return [pidText(event.data), event.data.exitCode !== undefined && `exit code ${event.data.exitCode}`];
    case 'dev.netloom.container.abandoned':
      return [event.data.reason];
    case 'dev.netloom.container.overdue':
      return [overdueText(event.data, shown), event.data.fault && faultText(event.data.fault)];
    case 'dev.netloom.container.unwatched':
      return [pidText(event.data), faultText(event.data.fault)];
    case 'dev.netloom.container.connected':
      return [event.data.network, event.data.interfaceName, event.data.addresses.join(', ')];
    case 'dev.netloom.container.disconnected':
      return [event.data.network];
    case 'dev.netloom.container.published':
    case 'dev.netloom.container.unpublished':
      return [portsText(event.data.ports)];
    case 'dev.netloom.container.port-unreachable':
      return [portsText(event.data.ports), event.data.reason];
    case 'dev.netloom.container.names-left-out':
      return [event.data.network, event.data.names.map((name) => JSON.stringify(name)).join(', '), event.data.reason];
    case 'dev.netloom.container.lost':
      return [event.data.cause, event.data.fault && faultText(event.data.fault)];
    case 'dev.netloom.container.leased':
    case 'dev.netloom.container.lease-renewed': {
      const { network, expiresAt } = event.data;
      return [network, event.data.addresses.join(', '), expiresAt && `until ${expiresAt}`];
    }
    case 'dev.netloom.container.lease-unrenewed':
    case 'dev.netloom.container.lease-lost':
      return [event.data.network, event.data.addresses.join(', '), faultText(event.data.fault)];
    case 'dev.netloom.network.created':
    case 'dev.netloom.network.updated':
      return [event.data.definition.subnets.map(({ subnet }) => subnet).join(', ')];
    case 'dev.netloom.network.configured':
    case 'dev.netloom.network.adopted':
      return [event.data.bridge];
    case 'dev.netloom.node.forwarding-on':
      return [familiesText(event.data.families), event.data.steps.join(', ')];
    case 'dev.netloom.node.forwarding-off':
      return [familiesText(event.data.families)];
    case 'dev.netloom.node.definition-damaged':
      return [event.data.file, event.data.reason];
    case 'dev.netloom.node.events-left-out':
      return [`${event.data.count} events`];
    case 'dev.netloom.node.journal-rebuilt':
      return [event.data.cause, `${event.data.containers.length} containers found`, event.data.kept];
    case 'dev.netloom.node.port-lost':
    case 'dev.netloom.node.port-stuck':
      return [shown(event.data.container), faultText(event.data.fault)];
    case 'dev.netloom.container.drift-detected':
    case 'dev.netloom.container.drift-healed':
    case 'dev.netloom.network.drift-detected':
    case 'dev.netloom.network.drift-healed':
      return driftParts(event.data);
    case 'dev.netloom.node.drift-detected':
    case 'dev.netloom.node.drift-healed':
      return [partText(event.data), ...driftParts(event.data)];
    case 'dev.netloom.node.degraded':
      return [event.data.what, faultText(event.data.fault)];
    case 'dev.netloom.container.degraded':
    case 'dev.netloom.container.failed':
    case 'dev.netloom.network.degraded':
    case 'dev.netloom.network.failed':
    case 'dev.netloom.node.failed':
      return [faultText(event.data.fault)];
    case 'dev.netloom.container.torn-down':
    case 'dev.netloom.container.removed':
    case 'dev.netloom.network.tearing-down':
    case 'dev.netloom.network.removed':
    case 'dev.netloom.node.serving':
      return [];
    default:
      return [unknownText(event)];
  }
}

/** A daemon of another version may send unknown values: they are shown unchanged. */
const unknownText = (event: never): string => JSON.stringify((event as WholeEvent).data);

const faultText = ({ code, message }: Fault): string => `${code}: ${message}`;

const overdueText = ({ guest, reason }: { guest?: string; reason: string }, shown: (id: string) => string): string =>
  guest === undefined ? reason : `container ${shown(guest)} runs in its namespace`;

const pidText = ({ pid }: { pid: number }): string => `pid ${pid}`;

const portsText = (ports: readonly ShownPort[]): string => ports.map(portText).join(', ');

const familiesText = (families: readonly number[]): string => families.map((family) => `IPv${family}`).join(', ');

interface Drift {
  steps?: string[];
  drifted?: SettingDrift[];
  tookMs?: number;
  fault?: Fault;
}

const driftParts = ({ steps, drifted, tookMs, fault }: Drift): Part[] => [
  steps?.join(', '),
  drifted?.map(({ key, found, wanted }) => `${key} was ${found}, is ${wanted}`).join(', '),
  tookMs !== undefined && `${Math.round(tookMs * 10) / 10} ms`,
  fault && faultText(fault),
];

/** Changes of the host that neither steps nor settings describe. */
function partText({ what, before, ...way }: { what: string; before?: WayOut } & Partial<WayOut>): string {
  if (what === 'resolver') return 'resolver ended and was restarted';
  if (what === 'uplink') return `uplink ${before ? `was ${wayText(before)}, ` : ''}is ${wayText(way)}`;
  return what;
}

/** `eth0 192.0.2.9 MTU 1500` */
function wayText({ link, hostIp, mtuBytes }: Partial<WayOut>): string {
  return [link ?? 'no route to the outside', hostIp, mtuBytes && `MTU ${mtuBytes}`].filter(Boolean).join(' ');
}
