import { describe, expect, it } from 'vitest';
import { modeNames, namePattern, nameRefusal, servedNamePattern } from '../../src/core/name-rules.ts';
import { definitionOf, fileOf } from '../../src/core/network/file.ts';
import { networkProposalSchema } from '../../src/core/network/proposal.ts';
import { networkRequestSchema } from '../../src/core/network/request.ts';
import { containerIdSchema, networkNameSchema } from '../../src/core/token.ts';
import { definitionOf as sample } from './samples.ts';

const bridge = fileOf(sample());

const made = ['web', 'my.net', 'a', '1', 'A.b-c_d', 'hosts', 'Host', 'none.', 'x'.repeat(250)];
const servedOnly = ['-x', '_x', '__proto__'];
const none = ['', '.', '..', '.net', 'a b', 'a/b', 'a%2Eb', 'a~b', 'ä', 'a*', '>', 'a\n', 'x'.repeat(251)];

describe('names of networks', () => {
  it.each(made)('names of networks can be %s', (name) => {
    expect(nameRefusal(name)).toBeNull();
    expect(networkRequestSchema.safeParse({ name }).success).toBe(true);
  });

  it.each([...servedOnly, ...none])('names of networks cannot be %j', (name) => {
    expect(nameRefusal(name)).toContain('must be 1 to 250 characters');
    expect(networkRequestSchema.safeParse({ name }).success).toBe(false);
  });

  it.each(modeNames)('N13 names of networks cannot be the mode %s, unless an engine brings it', (name) => {
    const parsed = networkRequestSchema.safeParse({ name });
    expect(parsed.error?.issues[0]?.message).toBe(`"${name}" is reserved: --network ${name} selects a network mode`);
    expect(networkProposalSchema.safeParse({ network: { name, id: 'a'.repeat(64) } }).success).toBe(true);
    expect(definitionOf(name, { ...bridge, name })).toMatchObject({ name });
  });

  it.each([...made, ...servedOnly])(
    'names of networks are accepted by queries when one is %s, and so are IDs',
    (name) => {
      expect(networkNameSchema.safeParse(name).success).toBe(true);
      expect(containerIdSchema.safeParse(name).success).toBe(true);
      expect(definitionOf(name, { ...bridge, name })).toMatchObject({ name });
    },
  );

  it.each(none)('names of networks are refused by queries when one is %j', (name) => {
    expect(networkNameSchema.safeParse(name).success).toBe(false);
    expect(definitionOf(name, { ...bridge, name })).toMatch(/^name: .* the first a letter or a digit$/);
  });

  it('P12 the rule of IDs in a refusal is the one that is enforced', () => {
    const ruleOf = (id: string) => containerIdSchema.safeParse(id).error?.issues[0]?.message;
    expect(ruleOf('.a')).toBe('must be 1 to 250 characters of A-Z a-z 0-9 _ . -, the first not a dot');
    for (const id of servedOnly) expect(ruleOf(id)).toBeUndefined();
  });

  it('names of networks are accepted by queries whenever they can be created', () => {
    for (const name of made) expect(namePattern.test(name) && !servedNamePattern.test(name)).toBe(false);
  });
});
