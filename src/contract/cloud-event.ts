import { type ActorAddress, actorKind, actorName, dhcpClientOf } from '../core/actor-address.ts';
import type { PublishedFact } from './facts.ts';
import type { OutboxRecord } from './outbox.ts';
import { eventSubject, type Noun } from './subjects.ts';

/** A published fact as a CloudEvents 1.0 event, structured mode. `type` names the fact, and so the shape of `data`. */
export type CloudEvent<N extends Noun = Noun> = PublishedFact<N> & CloudEventAttributes;

/** Attributes of every event. */
export interface CloudEventAttributes {
  specversion: '1.0';
  /** `<epoch>.<sequence>`, also its Nats-Msg-Id: the stream takes no event twice */
  id: string;
  /** `/netloom/<node>/<noun>/<id>` */
  source: string;
  /** the container's id, or the name of the network or node */
  subject: string;
  /** when it was committed, ISO 8601 */
  time: string;
  datacontenttype: 'application/json';
  /** the sequence extension: sorts as text in the same order as as a number */
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
  // the types of the machines, not this function, ensure that an actor announces only facts of its own noun
  return { ...attributes, type: `dev.netloom.${noun}.${record.fact}`, data: record.data } as CloudEvent;
}

export function cloudEventSubject(node: string, record: OutboxRecord): string {
  const { noun, id } = about(node, record.source);
  return eventSubject(node, noun, id, record.fact.replaceAll(/[^A-Za-z0-9_-]/g, '-'));
}

/** Returns what an event of this actor is about: the host stands for its node, a DHCP client for its container. */
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
