import type dns from 'dns-packet';
import { answerCodec, nameCodec } from './codecs.ts';

/** Compressed names in answers (RFC 1035 4.1.4), which the packet library does not write. */

/** a pointer has 14 bits */
const lastOffset = 0x3fff;
/** type, class, TTL and length of the data */
const fixedBytes = 10;

/** Encodes answers that begin at `start`, in a reply whose question, for `asked`, is at `questionAt`. */
export function compressedAnswers(
  asked: string,
  questionAt: number,
  start: number,
  answers: readonly dns.Answer[],
): Buffer[] {
  const offsets = new Map([[asked, questionAt]]);
  let offset = start;
  return answers.map((answer) => {
    const encoded = encodeAnswer(answer, offset, offsets);
    offset += encoded.length;
    return encoded;
  });
}

function encodeAnswer(answer: dns.Answer, at: number, offsets: Map<string, number>): Buffer {
  const name = compressed(answer.name, at, offsets);
  // after the one byte of the root's name
  const rest = answerCodec.encode({ ...answer, name: '.' } as dns.Answer).subarray(1);
  if (answer.type !== 'PTR') return Buffer.concat([name, rest]);
  const target = compressed(answer.data, at + name.length + fixedBytes, offsets);
  const fixed = Buffer.from(rest.subarray(0, fixedBytes));
  fixed.writeUInt16BE(target.length, fixedBytes - 2);
  return Buffer.concat([name, fixed, target]);
}

/** Encodes a name for that place: its first labels, then a pointer to an earlier copy of the rest. */
function compressed(name: string, at: number, offsets: Map<string, number>): Buffer {
  const labels = name.split('.');
  const parts: Buffer[] = [];
  let offset = at;
  for (let index = 0; index < labels.length; index++) {
    const rest = labels.slice(index).join('.');
    const before = offsets.get(rest);
    if (before !== undefined) return Buffer.concat([...parts, pointer(before)]);
    if (offset <= lastOffset) offsets.set(rest, offset);
    const label = nameCodec.encode(labels[index] as string).subarray(0, -1);
    parts.push(label);
    offset += label.length;
  }
  return Buffer.concat([...parts, Buffer.of(0)]);
}

function pointer(offset: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(0xc000 | offset);
  return bytes;
}
