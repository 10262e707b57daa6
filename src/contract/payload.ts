import type { z } from 'zod';
import { ContentError } from '../core/content-error.ts';
import { type FaultCode, fault, NetloomError } from '../core/fault.ts';
import { parseJson } from '../core/json-text.ts';
import { jsonWords, pathText } from '../core/schema-words.ts';
import { issueText } from './payload-issue.ts';

/** Largest request that is accepted. The server behind a daemon accepts larger ones, so that the refusal is an answer. */
export const maxPayloadBytes = 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Parses every request from bytes. Throws payload.too-large, payload.malformed, or the code of the first invalid field. */
export function parsePayload<Output>(schema: z.ZodType<Output>, bytes: Uint8Array): Output {
  if (bytes.length > maxPayloadBytes)
    throw refusal('payload.too-large', `the payload has ${bytes.length} bytes; at most ${maxPayloadBytes} are taken`);
  const payload = decode(bytes);
  const parsed = schema.safeParse(payload, { error: jsonWords });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  const detail = pathText(issue.path) || 'the payload';
  throw new NetloomError(fault(codeFor(issue.path), issueText(issue, payload), { detail }));
}

/** Decodes JSON. No bytes mean `{}`, so that `nats request netloom.v1.<node>.node.info ''` works. */
function decode(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return {};
  try {
    return parseJson(textOf(bytes));
  } catch (error) {
    throw refusal('payload.malformed', `the payload ${(error as Error).message}`, error);
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ContentError('is not valid UTF-8', { cause });
  }
}

const refusal = (code: FaultCode, message: string, cause?: unknown) =>
  new NetloomError(fault(code, message), cause === undefined ? undefined : { cause });

const codeOfField: Record<string, FaultCode> = {
  id: 'id.invalid',
  name: 'name.invalid',
  network: 'name.invalid',
  hostPort: 'port.invalid',
  containerPort: 'port.invalid',
  range: 'port.invalid',
  protocol: 'port.invalid',
  hostIp: 'address.invalid',
  staticIps: 'address.invalid',
  staticMac: 'address.invalid',
  gateway: 'address.invalid',
  start_ip: 'address.invalid',
  end_ip: 'address.invalid',
  subnet: 'subnet.invalid',
};

/** Fields whose keys are chosen by the user. */
const freeForm = new Set<PropertyKey | undefined>(['labels', 'options', 'ipam_options']);

function codeFor(path: readonly PropertyKey[]): FaultCode {
  if (freeForm.has(path[0])) return 'payload.invalid';
  const field = path.findLast((key) => typeof key === 'string');
  return (typeof field === 'string' && Object.hasOwn(codeOfField, field) && codeOfField[field]) || 'payload.invalid';
}
