import dns from 'dns-packet';
import { answerCodec, questionCodec } from './codecs.ts';
import { compressedAnswers } from './compression.ts';

/** DNS messages: queries and replies. The packet library reads and writes all but the fixed header. */

export const rcodes = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5 } as const;
export type Rcode = (typeof rcodes)[keyof typeof rcodes];

export interface Query {
  raw: Buffer;
  id: number;
  /** as asked, without the last dot */
  name: string;
  /** `A`, `PTR`, `UNKNOWN_65` … */
  type: string;
  class: string;
  /** where the question section ends in `raw` */
  questionEnd: number;
  /** largest UDP reply that the asker accepts, bytes; null without EDNS */
  ednsSize: number | null;
  ednsVersion: number;
}

export const headerBytes = 12;
/** without EDNS */
export const plainUdpBytes = 512;
/** size that crosses any path unfragmented; used in the resolver's OPT records */
const ownEdnsBytes = 1232;

const isResponse = (raw: Buffer): boolean => (raw.readUInt8(2) & 0x80) !== 0;
const opcodeOf = (raw: Buffer): number => (raw.readUInt8(2) >> 3) & 0xf;
export const rcodeOf = (raw: Buffer): number => raw.readUInt8(3) & 0xf;
export const isTruncated = (raw: Buffer): boolean => (raw.readUInt8(2) & 0x02) !== 0;

/** Returns the query, the reply to a malformed one, or null to drop the message (no header, or a response). */
export function readQuery(raw: Buffer): Query | Buffer | null {
  if (raw.length < headerBytes || isResponse(raw)) return null;
  if (opcodeOf(raw) !== 0) return bareReply(raw, rcodes.notImp);
  if (raw.readUInt16BE(4) !== 1) return bareReply(raw, rcodes.formErr);
  try {
    return decodeQuery(raw);
  } catch {
    return bareReply(raw, rcodes.formErr);
  }
}

function decodeQuery(raw: Buffer): Query {
  const { questions, additionals = [] } = dns.decode(raw);
  const [question] = questions as [dns.Question & { class: string }];
  const edns = additionals.find(({ type }) => type === 'OPT') as dns.OptAnswer | undefined;
  const [, questionEnd] = questionAt(raw);
  return {
    raw,
    id: raw.readUInt16BE(0),
    name: question.name === '.' ? '' : question.name,
    type: question.type,
    class: question.class,
    questionEnd,
    ednsSize: edns ? Math.max(edns.udpPayloadSize, plainUdpBytes) : null,
    ednsVersion: edns?.ednsVersion ?? 0,
  };
}

/** Reads the first question, and where it ends. Throws on malformed data. */
function questionAt(raw: Buffer): [dns.Question, number] {
  const question = questionCodec.decode(raw, headerBytes);
  return [question, headerBytes + questionCodec.decode.bytes];
}

/** Writes a reply of a header only: ID, opcode and RD of the query, QR and the code. */
function bareReply(raw: Buffer, rcode: Rcode): Buffer {
  const reply = Buffer.alloc(headerBytes);
  raw.copy(reply, 0, 0, 2);
  reply[2] = 0x80 | (raw.readUInt8(2) & 0x79);
  reply[3] = 0x80 | rcode;
  return reply;
}

/** Writes the resolver's reply: the question byte for byte as asked (its case is the asker's check), then the answers. */
export function reply(query: Query, rcode: Rcode, answers: dns.Answer[] = [], authoritative = false): Buffer {
  const head = bareReply(query.raw, rcode);
  if (authoritative) head.writeUInt8(head.readUInt8(2) | 0x04, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(answers.length, 6);
  const parts = [
    head,
    query.raw.subarray(headerBytes, query.questionEnd),
    ...compressedAnswers(query.name, headerBytes, query.questionEnd, answers),
  ];
  if (query.ednsSize !== null) {
    head.writeUInt16BE(1, 10);
    parts.push(ownOpt(query.ednsVersion > 0 ? 1 : 0));
  }
  return Buffer.concat(parts);
}

/** Writes the OPT record. `extendedRcode` 1 is BADVERS: an EDNS version that the resolver does not support. */
function ownOpt(extendedRcode: number): Buffer {
  const opt = {
    type: 'OPT' as const,
    name: '.',
    udpPayloadSize: ownEdnsBytes,
    extendedRcode,
    ednsVersion: 0,
    flags: 0,
  };
  return answerCodec.encode({ ...opt, flag_do: false, options: [] });
}

/** Fits a reply to UDP: whole, or with TC and no records, so that the asker repeats the query over TCP. */
export function fitUdp(query: Query | null, whole: Buffer): Buffer {
  if (!query || whole.length <= (query.ednsSize ?? plainUdpBytes)) return whole;
  const cut = reply(query, rcodes.noError);
  cut[2] = whole.readUInt8(2) | 0x02;
  cut[3] = whole.readUInt8(3);
  return cut;
}

export function withId(raw: Buffer, id: number): Buffer {
  const copy = Buffer.from(raw);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** Checks whether a server's message answers this query: its id and its question (which a server that refuses may leave out). */
export function isAnswerTo(message: Buffer, id: number, query: Query): boolean {
  if (message.length < headerBytes || !isResponse(message) || message.readUInt16BE(0) !== id) return false;
  if (message.readUInt16BE(4) === 0) return rcodeOf(message) !== rcodes.noError;
  try {
    const [question, end] = questionAt(message);
    const kinds = message.subarray(end - 4, end).equals(query.raw.subarray(query.questionEnd - 4, query.questionEnd));
    const name = question.name === '.' ? '' : question.name;
    return kinds && name.toLowerCase() === query.name.toLowerCase();
  } catch {
    return false;
  }
}

const nibbles = /^((?:[0-9a-f]\.){32})ip6\.arpa$/;
const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/;

/** Returns the address in a PTR name (lower case), not yet canonical; null for other names. */
export function reverseAddress(name: string): string | null {
  const four = octets.exec(name);
  if (four) return four.slice(1).reverse().map(Number).join('.');
  const six = nibbles.exec(name);
  if (!six) return null;
  const digits = (six[1] ?? '').replaceAll('.', '').split('').reverse().join('');
  return (digits.match(/.{4}/g) ?? []).join(':');
}
