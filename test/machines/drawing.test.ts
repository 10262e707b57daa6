import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { getStateNodes } from 'xstate/graph';
import { drawMachine, machines } from '../../scripts/draw-machines.ts';
import { leafStates } from './walk.ts';

const drawn = (name: string) => new URL(`../../docs/machines/${name}.md`, import.meta.url);

describe.each(Object.entries(machines))('docs/machines/%s.md', (name, machine) => {
  const text = drawMachine(name, machine);

  it('the drawing of a machine is up to date: `npm run docs:machines` updates it', () => {
    expect(existsSync(drawn(name)) && readFileSync(drawn(name), 'utf8')).toBe(text);
  });

  it('the drawing of a machine shows every state with its description, and every transition, including those without an event', () => {
    const [chart = ''] = text.match(/```mermaid\n[\s\S]*?```/) ?? [];
    for (const state of leafStates(machine)) {
      expect(chart).toMatch(new RegExp(`\\b${state.split('.').at(-1)}\\b`));
      expect(text).toMatch(new RegExp(`^\\| ${state.replaceAll('.', '\\.')} \\| [A-Z]`, 'm'));
    }
    // a way out of a state leaves from the state beside its target; a way into another region is in the table only
    for (const { source, target } of getStateNodes(machine.root).flatMap(({ always = [], transitions }) => [
      ...always,
      ...[...transitions.values()].flat(),
    ]))
      for (const { parent, path, key } of target ?? [])
        if (source.parent === parent) expect(chart).toContain(`${source.key} --> ${key}: `);
        else if (path.length === 1) expect(chart).toContain(`${source.path[0]} --> ${key}: `);
  });
});
