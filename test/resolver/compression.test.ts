import dns from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { fitUdp, isTruncated, type Query, rcodes, readQuery, reply } from '../../src/resolver/packet.ts';

const asked = (name: string, type: 'A' | 'AAAA' | 'PTR') =>
  readQuery(Buffer.from(dns.encode({ id: 7, type: 'query', questions: [{ name, type }] }))) as Query;
const record = (name: string, type: 'A' | 'AAAA' | 'PTR', data: string): dns.Answer => ({
  name,
  type,
  class: 'IN',
  ttl: 0,
  data,
});
const reverse = '2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.8.0.0.0.0.d.f.ip6.arpa';

describe('a reply of netloom', () => {
  it('C09 a reply contains all names of an IPv6 address in one datagram without EDNS', () => {
    const names = ['web', 'shop', '0123456789ab', 'web.front.example'].map((name) => `${name}.dns.netloom`);
    const query = asked(reverse, 'PTR');
    const whole = reply(
      query,
      rcodes.noError,
      names.map((name) => record(reverse, 'PTR', name)),
      true,
    );
    expect(whole.length).toBeLessThan(260);
    expect(isTruncated(fitUdp(query, whole))).toBe(false);
    const answers = dns.decode(whole).answers as dns.StringAnswer[];
    expect(answers.map(({ name, data }) => [name, data])).toEqual(names.map((name) => [reverse, name]));
  });

  it('a reply repeats its names in the case of the question', () => {
    const [answer] = dns.decode(reply(asked('WeB.dns', 'A'), rcodes.noError, [record('WeB.dns', 'A', '10.0.0.1')]))
      .answers as dns.StringAnswer[];
    expect(answer).toMatchObject({ name: 'WeB.dns', data: '10.0.0.1' });
  });

  it('a reply holds many addresses: 16 bytes for each of IPv4, 28 for each of IPv6', () => {
    for (const [type, bytes, address] of [
      ['A', 16, (index: number) => `10.0.0.${index}`],
      ['AAAA', 28, (index: number) => `fd00::${(index + 1).toString(16)}`],
    ] as const) {
      const name = 'a-rather-long-alias.of-all.dns.netloom';
      const addresses = Array.from({ length: 2_000 }, (_, index) => address(index % 250));
      const query = asked(name, type);
      const whole = reply(
        query,
        rcodes.noError,
        addresses.map((data) => record(name, type, data)),
      );
      expect(whole.length).toBe(query.questionEnd + 2_000 * bytes);
      expect((dns.decode(whole).answers as dns.StringAnswer[]).map(({ data }) => data)).toEqual(addresses);
    }
  });

  it('a reply has no pointer to a place beyond the reach of pointers', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `n${index}.d${index}.example`);
    const whole = reply(
      asked(reverse, 'PTR'),
      rcodes.noError,
      [...names, ...names.toReversed()].map((name) => record(reverse, 'PTR', name)),
    );
    expect((dns.decode(whole).answers as dns.StringAnswer[]).map(({ data }) => data)).toEqual([
      ...names,
      ...names.toReversed(),
    ]);
  });
});
