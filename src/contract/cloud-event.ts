import { type ActorAddress, actorKind, actorName, dhcpClientOf } from '../core/actor-address.ts';
import type { PublishedFact } from './facts.ts';
import type { OutboxRecord } from './outbox.ts';
import { eventSubject, type Noun } from './subjects.ts';

/** A fact as CloudEvents 1.0 has it, structured mode. `type` says which one, and with it what `data` has. */
export type CloudEvent<N extends Noun = Noun> = PublishedFact<N> & CloudEventAttributes;

/** What an event of every type has. */
export interface CloudEventAttributes {
  specversion: '1.0';
  /** `<epoch>.<sequence>`, which is the Nats-Msg-Id too: the stream takes no event twice */
  id: string;
  /** `/netloom/<node>/<noun>/<id>` */
  source: string;
  /** the id of the container, the name of the network or of the node */
  subject: string;
  /** ISO 8601, when it was committed */
  time: string;
  datacontenttype: 'application/json';
  /** the sequence extension: sorts as text as it does as a number */
  sequence: string;
}

export const cloudEventContentType = 'application/cloudevents+json';

export function cloudEvent(node: string, epoch: string, record: OutboxRecord): CloudEvent {
  const { noun, id } = about(node, record.source);
  const attributes: CloudEventAttributes = {
    specversion: '1.0',
    id: eventId(epoch, record.sequence),
    source: `/netloom/${node}/${noun}/${id}`,
    subject: id,
    time: record.time,
    datacontenttype: 'application/json',
    sequence: String(record.sequence).padStart(16, '0'),
  };
  // that an actor announces facts of its own noun only is checked where it decides
  return { ...attributes, type: `dev.netloom.${noun}.${record.fact}`, data: record.data } as CloudEvent;
}

export function cloudEventSubject(node: string, record: OutboxRecord): string {
  const { noun, id } = about(node, record.source);
  return eventSubject(node, noun, id, record.fact.replaceAll(/[^A-Za-z0-9_-]/g, '-'));
}

/** What the world calls the actor: the host speaks for its node, and a DHCP client for its container. */
function about(node: string, source: ActorAddress): { noun: Noun; id: string } {
  const kind = actorKind(source);
  if (kind === 'host') return { noun: 'node', id: node };
  if (kind === 'dhcp') return { noun: 'container', id: dhcpClientOf(source).container };
  return { noun: kind, id: actorName(source) };
}

export function eventId(epoch: string, sequence: number): string {
  return `${epoch}.${sequence}`;
}

export function parseEventId(id: string): { epoch: string; sequence: number } | null {
  const match = /^(.+)\.(\d+)$/.exec(id);
  return match ? { epoch: match[1] as string, sequence: Number(match[2]) } : null;
}
