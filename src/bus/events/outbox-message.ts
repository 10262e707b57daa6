import { headers, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core';
import {
  type CloudEvent,
  cloudEvent,
  cloudEventContentType,
  cloudEventSubject,
  withoutFields,
} from '../../contract/cloud-event.ts';
import type { OutboxRecord } from '../../contract/outbox.ts';
import { fault, NetloomError } from '../../core/fault.ts';

export interface OutboxMessage {
  subject: string;
  payload: string;
  headers: MsgHdrs;
}

interface Acknowledgement {
  seq?: number;
  error?: { description?: string };
}

/** A fact as it goes to the stream. */
export function outboxMessage(nc: NatsConnection, node: string, epoch: string, record: OutboxRecord): OutboxMessage {
  const event = cloudEvent(node, epoch, record);
  const header = headers();
  header.set('Nats-Msg-Id', event.id);
  header.set('content-type', cloudEventContentType);
  return { subject: cloudEventSubject(node, record), payload: fitting(nc, event), headers: header };
}

/** Omits the fields of a fact that the server can never accept, so that later facts are not blocked. */
function fitting(nc: NatsConnection, event: CloudEvent): string {
  const text = JSON.stringify(event);
  const most = (nc.info?.max_payload ?? Number.POSITIVE_INFINITY) - 1024;
  if (text.length * 3 <= most || Buffer.byteLength(text) <= most) return text;
  return JSON.stringify(withoutFields(event));
}

/** Why facts wait: the stream does not take them as it should. */
export const unreachable = (message: string): NetloomError => new NetloomError(fault('bus.unreachable', message));

/** Returns its position in the stream. Throws where the stream did not accept it. */
export function acknowledgedPlace(sequence: number, message: Msg): number {
  // no body means that no stream accepted it: none has the subject
  const { seq, error } = message.data.length === 0 ? {} : message.json<Acknowledgement>();
  if (seq !== undefined) return seq;
  throw unreachable(`the stream did not take event ${sequence}: ${error?.description ?? 'no stream answers'}`);
}
