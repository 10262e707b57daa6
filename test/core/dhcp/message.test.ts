import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, mostMessageBytes, optionCodes } from '../../../src/core/dhcp/message.ts';
import { hostLabel, questionMessage, releaseMessage } from '../../../src/core/dhcp/requests.ts';
import { termsOf } from '../../../src/core/dhcp/terms.ts';
import { seeded } from '../../support/seeded.ts';
import { addresses, client, reply, text } from './samples.ts';

const optionsStart = 240;

/** Builds a message whose options are given byte by byte. */
function withOptions(bytes: number[], more: (message: Uint8Array) => void = () => {}): Uint8Array {
  const message = new Uint8Array(optionsStart + bytes.length);
  message.set(encodeMessage(reply()).subarray(0, optionsStart));
  message.set(bytes, optionsStart);
  more(message);
  return message;
}

const acknowledgement = [53, 1, 5];
const optionOf = (bytes: Uint8Array, code: number) => {
  const message = decodeMessage(bytes);
  if (typeof message === 'string') throw new Error(message);
  return message.options.get(code);
};

describe('a DHCP message', () => {
  it('C13 a DHCP message is read as it was written', () => {
    const message = reply([[optionCodes.domainName, text('lan.example')]]);
    const bytes = encodeMessage(message);
    expect(bytes.length).toBeGreaterThanOrEqual(300);
    expect(decodeMessage(bytes)).toEqual({ ...message, options: new Map(message.options) });
  });

  it('C13 a DHCP message from a client has its identity, its request and its maximum size', () => {
    const question = { kind: 'discover', address: null, avoid: null } as const;
    const discover = questionMessage(client, question, { transaction: 7, seconds: 3 });
    expect(discover).toMatchObject({ type: 'discover', broadcast: true, clientAddress: '0.0.0.0', seconds: 3 });
    expect(discover.options.get(optionCodes.clientId)).toEqual(Uint8Array.of(1, 2, 0, 0, 0, 0, 7));
    expect(discover.options.get(optionCodes.hostName)).toEqual(text('web'));
    expect(discover.options.has(optionCodes.requestedAddress)).toBe(false);
    const wanted = [...(discover.options.get(optionCodes.requestedOptions) ?? [])];
    expect(wanted.indexOf(optionCodes.classlessRoutes)).toBeLessThan(wanted.indexOf(optionCodes.routers));
    expect(discover.options.get(optionCodes.mostBytes)).toEqual(
      Uint8Array.of(mostMessageBytes >> 8, mostMessageBytes & 255),
    );
  });

  it.each([
    ['request', { kind: 'request', address: '192.0.2.7', server: '192.0.2.1' }, '0.0.0.0', true, true],
    ['renewal', { kind: 'renew', address: '192.0.2.7', server: '192.0.2.1', serverMac: '' }, '192.0.2.7', false, false],
    ['rebinding', { kind: 'rebind', address: '192.0.2.7' }, '192.0.2.7', false, false],
  ] as const)(
    'C13 a DHCP message has the server and the address in a %s as in RFC 2131',
    (_, question, ciaddr, names, broadcast) => {
      const message = questionMessage(client, question, { transaction: 7, seconds: 0 });
      expect(message).toMatchObject({ type: 'request', clientAddress: ciaddr, broadcast });
      expect(message.options.has(optionCodes.server)).toBe(names);
      expect(message.options.has(optionCodes.requestedAddress)).toBe(names);
    },
  );

  it('C13 a DHCP message releases an address to the server that gave it', () => {
    const message = releaseMessage(client, { address: '192.0.2.7', server: '192.0.2.1' }, 7);
    expect(message).toMatchObject({ type: 'release', clientAddress: '192.0.2.7' });
    expect(message.options.get(optionCodes.server)).toEqual(addresses('192.0.2.1'));
  });

  it('C13 a DHCP message has a valid host name', () => {
    expect(['web', 'web.lan.example', 'my_web_1', '--a--', 'ü', 'x'.repeat(80)].map(hostLabel)).toEqual([
      'web',
      'web',
      'my-web-1',
      'a',
      '',
      'x'.repeat(63),
    ]);
  });
});

describe('options', () => {
  it('C13 DHCP options that are longer than 255 bytes are sent in parts', () => {
    const long = Uint8Array.from({ length: 700 }, (_, index) => index & 255);
    expect(optionOf(encodeMessage(reply([[200, long]])), 200)).toEqual(long);
  });

  it('C13 DHCP options may continue in the fields for the file and the server name, in that order', () => {
    const bytes = withOptions([...acknowledgement, 52, 1, 3, 12, 1, 97, 255], (message) => {
      message.set([12, 1, 98, 255], 108);
      message.set([12, 1, 99, 255], 44);
    });
    expect(optionOf(bytes, 12)).toEqual(text('abc'));
  });

  it('C13 DHCP options end where the message ends, or at the end option; the rest is ignored', () => {
    expect(optionOf(withOptions([...acknowledgement, 0, 0, 12, 1, 97]), 12)).toEqual(text('a'));
    expect(optionOf(withOptions([...acknowledgement, 255, 12, 1, 97]), 12)).toBeUndefined();
  });

  it.each([
    ['an option that goes beyond the end', withOptions([...acknowledgement, 6, 200, 1, 2])],
    ['an option without a length', withOptions([...acknowledgement, 6])],
    [
      'an option of the file that goes beyond it',
      withOptions([...acknowledgement, 52, 1, 1, 255], (message) => message.set([6, 200], 108)),
    ],
    ['an invalid overload', withOptions([...acknowledgement, 52, 1, 4, 255])],
    ['no type', withOptions([255])],
    ['an invalid type', withOptions([53, 1, 99, 255])],
    ['a type of two bytes', withOptions([53, 2, 5, 5, 255])],
    ['too many options', withOptions([...acknowledgement, ...Array.from({ length: 200 }, () => [12, 1, 97]).flat()])],
    [
      'an option that is put together of too many bytes',
      withOptions([
        ...acknowledgement,
        ...Array.from({ length: 5 }, () => [12, 255, ...new Array(255).fill(97)]).flat(),
      ]),
    ],
    ['too few bytes', encodeMessage(reply()).subarray(0, 239)],
    ['too many bytes', new Uint8Array(mostMessageBytes + 1)],
    ['another cookie', withOptions(acknowledgement, (message) => message.set([0], 236))],
    ['another kind of hardware', withOptions(acknowledgement, (message) => message.set([6], 1))],
    ['an invalid operation', withOptions(acknowledgement, (message) => message.set([3], 0))],
  ])('C13 DHCP options are refused with an explanation: %s', (_, bytes) => {
    expect(decodeMessage(bytes)).toEqual(expect.stringMatching(/^(its?|option) /));
  });
});

describe('any message of a server', () => {
  const random = seeded(13);
  const byte = () => Math.floor(random() * 256);

  it('C13 any DHCP message is read or refused without an exception: noise', () => {
    for (let round = 0; round < 3_000; round++) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 700) }, byte);
      if (bytes.length > optionsStart && round % 2 === 0) bytes.set(withOptions([]).subarray(0, optionsStart));
      judge(bytes);
    }
  });

  it('C13 any DHCP message is read or refused without an exception: messages with some bytes changed', () => {
    const whole = encodeMessage(
      reply([
        [optionCodes.routers, addresses('192.0.2.1', '192.0.2.2')],
        [optionCodes.nameServers, addresses('192.0.2.53')],
        [optionCodes.classlessRoutes, Uint8Array.of(24, 10, 1, 2, 192, 0, 2, 9, 0, 192, 0, 2, 1)],
        [optionCodes.searchDomains, Uint8Array.of(3, 97, 98, 99, 0, 1, 120, 0xc0, 0)],
        [optionCodes.domainName, text('lan.example')],
        [optionCodes.renewalSeconds, Uint8Array.of(0, 0, 0, 60)],
      ]),
    );
    let taken = 0;
    for (let round = 0; round < 3_000; round++) {
      const bytes = Uint8Array.from(whole);
      for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes--)
        bytes[Math.floor(random() * bytes.length)] = byte();
      if (judge(bytes.subarray(0, random() < 0.2 ? Math.floor(random() * bytes.length) : bytes.length))) taken += 1;
    }
    // the test would show nothing if all messages were refused, or none
    expect(taken).toBeGreaterThan(300);
    expect(taken).toBeLessThan(3_000);
  });

  /** Checks whether the message had valid terms; checks that accepted ones make sense. */
  function judge(bytes: Uint8Array): boolean {
    const message = decodeMessage(bytes);
    if (typeof message === 'string') return false;
    const terms = termsOf(message, { serverMac: '02:00:00:00:00:01', sentAt: 0, otherSubnets: ['192.0.2.200/28'] });
    if (typeof terms === 'string') return false;
    expect(terms.address).not.toMatch(/^(0|127|22[4-9]|23\d|24\d|25[0-5])\./);
    expect(terms.prefixLength).toBeGreaterThanOrEqual(8);
    expect(terms.routes.length).toBeLessThanOrEqual(64);
    expect(terms.nameServers.length).toBeLessThanOrEqual(8);
    for (const domain of terms.searchDomains) expect(domain).toMatch(/^[a-z0-9_.-]{1,253}$/);
    if (terms.times) expect(terms.times.renewAt).toBeLessThan(terms.times.rebindAt);
    return true;
  }
});
