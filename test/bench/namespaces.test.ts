import { expect, it } from 'vitest';
import { countIn } from '../../bench/host/namespaces.ts';

it("the number of the kernel's network namespaces can be read", () => {
  const slabinfo = [
    '# name            <active_objs> <num_objs>',
    'net_namespace         36     84   4288    7    8 :',
    'ns 1 1',
  ];
  expect(countIn(slabinfo.join('\n'))).toBe(36);
  expect(countIn('nothing of the kind')).toBeNull();
});
