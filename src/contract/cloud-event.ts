import { type ActorAddress, actorKind, actorName, dhcpClientOf } from '../core/actor-address.ts';
import type { OmittedFact, PublishedFact, WholeFact } from './facts.ts';
import type { OutboxRecord } from './outbox.ts';
import { eventSubject, type Noun } from './subjects.ts';

/**
 * A published fact as a CloudEvents 1.0 event, structured mode. `type` names the fact, and so the shape of `data`, unless
 * `isOmitted` says that its fields are missing.
 */
export type CloudEvent<N extends Noun = Noun> = PublishedFact<N> & CloudEventAttributes;

/** An event whose data has only `state` and `omitted`: its own fields are larger than the server's max_payload. */
export type OmittedEvent<N extends Noun = Noun> = OmittedFact<N> & CloudEventAttributes;

/** An event with all fields of its fact. */
export type WholeEvent<N extends Noun = Noun> = WholeFact<N> & CloudEventAttributes;

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

export function cloudEvent(node: string, epoch: string, record: OutboxRecord): WholeEvent {
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
  return { ...attributes, type: `dev.netloom.${noun}.${record.fact}`, data: record.data } as WholeEvent;
}

/** Checks whether the fields of the fact are missing; without this, a `switch` over `type` leaves `data` ambiguous. */
export const isOmitted = (event: CloudEvent): event is OmittedEvent => 'omitted' in event.data;

/** Returns the event without the fields of its fact. */
export const withoutFields = (event: CloudEvent): OmittedEvent => ({
  ...event,
  data: { state: event.data.state, omitted: "larger than the server's max_payload" },
});

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
