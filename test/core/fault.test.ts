import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fault, faultOf, NetloomError, SystemError } from '../../src/core/fault.ts';
import { systemFaultOf } from '../../src/kernel/system-fault.ts';

const thrownBy = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

it('leaves a fault that was thrown as it is', () => {
  const taken = fault('port.taken', 'host port 80/tcp is in use', { errno: 'EADDRINUSE' });
  expect(faultOf(new NetloomError(taken))).toBe(taken);
});

it('makes kernel.refused of what the kernel refused, with what was tried, the errno and the kernel’s words', () => {
  const refused = new SystemError('add veth', 'EEXIST', 'nl0 exists');
  expect(refused.message).toBe('add veth: EEXIST (nl0 exists)');
  expect(faultOf(refused)).toEqual({
    code: 'kernel.refused',
    message: refused.message,
    step: 'add veth',
    errno: 'EEXIST',
    detail: 'nl0 exists',
  });
  expect(faultOf(new SystemError('add veth', 'EPERM', null))).not.toHaveProperty('detail');
});

it('makes internal.unexpected of everything else, with the errno of an error of the system', () => {
  expect(faultOf(new TypeError('x is not a function'))).toEqual({
    code: 'internal.unexpected',
    message: 'x is not a function',
  });
  const missing = thrownBy(() => readFileSync('/nonexistent'));
  expect(faultOf(missing)).toMatchObject({ code: 'internal.unexpected', errno: 'ENOENT' });
  expect(faultOf('a text')).toEqual({ code: 'internal.unexpected', message: 'a text' });
});

it('gives a step that failed the same words, whether the kernel, Node or another thread refused it', () => {
  const words = { op: 'resolver.listen', errno: 'EADDRINUSE', detail: 'bind EADDRINUSE 10.0.0.1:53' };
  const refused = new SystemError(words.op, words.errno, words.detail);
  expect(systemFaultOf(refused, 'dns.serve')).toEqual(words);
  expect(systemFaultOf(new NetloomError(faultOf(refused)), 'dns.serve')).toEqual(words);
  const missing = thrownBy(() => readFileSync('/nonexistent'));
  expect(systemFaultOf(missing, 'read it')).toMatchObject({ op: 'read it', errno: 'ENOENT' });
});
