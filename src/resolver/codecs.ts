import dns from 'dns-packet';

/** Parts of the packet library that its types leave out. */
declare module 'dns-packet' {
  const answer: { encode(answer: Answer): Buffer };
  const name: { encode(name: string): Buffer };
  const question: { decode: ((raw: Buffer, offset: number) => Question) & { bytes: number } };
}

export const answerCodec = dns.answer;
export const nameCodec = dns.name;
/** `decode.bytes` is the length of the question that was read last. */
export const questionCodec = dns.question;
