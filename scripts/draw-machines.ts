import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { containerMachine } from '../machines/container/chart.ts';
import { dhcpMachine } from '../machines/dhcp/chart.ts';
import { hostMachine } from '../machines/host/chart.ts';
import { networkMachine } from '../machines/network/chart.ts';

/** Draws the machines as they are shipped into docs/machines/: `npm run docs:machines`. */
export const machines: Record<string, AnyStateMachine> = {
  container: containerMachine,
  network: networkMachine,
  host: hostMachine,
  dhcp: dhcpMachine,
};

export function drawMachine(name: string, { root }: AnyStateMachine): string {
  return [
    '<!-- drawn from the machine by `npm run docs:machines`: not to be edited by hand -->',
    `# The ${name} machine`,
    '',
    ...(root.description ? [root.description, ''] : []),
    `Source: [\`machines/${name}/chart.ts\`](../../machines/${name}/chart.ts). What happens in every state alike is not drawn; the tables have all.`,
    '',
    '```mermaid',
    'stateDiagram-v2',
    ...diagram(root, 1),
    '```',
    '',
    '## States',
    '',
    ...table(
      ['state', 'what is true', 'on entry'],
      descendants(root).map((node) => [pathOf(node), node.description ?? '', node.entry.map(nameOf).join(', ')]),
    ),
    '',
    '## Transitions',
    '',
    'In the order in which they are tried; a state answers before the one around it.',
    '',
    ...table(
      ['in', 'event', 'if', 'goes to', 'does'],
      [root, ...descendants(root)].flatMap((node) => transitionsOf(node).map((transition) => row(node, transition))),
    ),
    '',
  ].join('\n');
}

// --------------------------------------------------------------------------------------------------------- diagram

function diagram(node: AnyStateNode, depth: number): string[] {
  const pad = '  '.repeat(depth);
  const children = Object.values(node.states);
  const initial = node.initial?.target?.[0]?.key;
  return [
    ...(initial ? [`${pad}[*] --> ${initial}`] : []),
    ...children.flatMap((child, index) => [
      ...(node.type === 'parallel' && index > 0 ? [`${pad}--`] : []),
      ...nested(child, depth),
      ...edges(child).map((edge) => `${pad}${edge}`),
    ]),
    ...children.filter(({ type }) => type === 'final').map(({ key }) => `${pad}${key} --> [*]`),
  ];
}

function nested(node: AnyStateNode, depth: number): string[] {
  if (Object.keys(node.states).length === 0) return [];
  const pad = '  '.repeat(depth);
  return [`${pad}state ${node.key} {`, ...diagram(node, depth + 1), `${pad}}`];
}

/**
 * One arrow per pair of states, with all that leads along it, from inner states too. What leads to another region, or to an
 * inner state of its own, is in the table only.
 */
function edges(node: AnyStateNode): string[] {
  const ways = new Map<AnyStateNode, Set<AnyTransitionDefinition>>();
  for (const source of [node, ...descendants(node)])
    for (const transition of transitionsOf(source))
      for (const target of transition.target ?? []) {
        const sibling = siblingAbove(node, source, target);
        if (sibling) ways.set(sibling, (ways.get(sibling) ?? new Set()).add(transition));
      }
  return [...ways].map(([target, transitions]) => `${node.key} --> ${target.key}: ${labelOf([...transitions])}`);
}

/** Returns the state beside `node` that the way from `source`, in it, to `target` enters; none where it stays in `node` or leaves further. */
function siblingAbove(node: AnyStateNode, source: AnyStateNode, target: AnyStateNode): AnyStateNode | undefined {
  const { parent } = node;
  const sibling = [...ancestors(target), target].find((one) => one.parent === parent);
  if (!parent || parent.type === 'parallel' || !sibling) return undefined;
  return sibling === node && (source !== node || target !== node) ? undefined : sibling;
}

/** Every event once; its condition where there is one only. */
function labelOf(transitions: readonly AnyTransitionDefinition[]): string {
  const conditions = new Map<string, string[]>();
  for (const transition of transitions)
    conditions.set(eventOf(transition), [...(conditions.get(eventOf(transition)) ?? []), guardOf(transition)]);
  return [...conditions]
    .map(([event, [guard, ...others]]) => (guard && others.length === 0 ? `${event} [${guard}]` : event))
    .join(', ');
}

// ---------------------------------------------------------------------------------------------------------- tables

function row(node: AnyStateNode, transition: AnyTransitionDefinition): string[] {
  const targets = transition.target?.map(pathOf).join(', ') ?? '';
  const goesTo = transition.reenter && targets === pathOf(node) ? `${targets} (anew)` : targets;
  return [pathOf(node), eventOf(transition), guardOf(transition), goesTo, transition.actions.map(nameOf).join(', ')];
}

function table(header: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)];
}

// ----------------------------------------------------------------------------------------------------------- names

function descendants(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states).flatMap((child) => [child, ...descendants(child)]);
}

function ancestors({ parent }: AnyStateNode): AnyStateNode[] {
  return parent ? [...ancestors(parent), parent] : [];
}

/** `always` first: it is taken before any event. */
function transitionsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...(node.always ?? []), ...[...node.transitions.values()].flat()];
}

/** `up.running`; the machine itself is any state. */
function pathOf(node: AnyStateNode): string {
  return node.path.length === 0 ? '(any)' : node.path.join('.');
}

const eventOf = ({ eventType }: AnyTransitionDefinition): string => eventType || 'always';

const guardOf = ({ guard }: AnyTransitionDefinition): string => (guard ? nameOf(guard) : '');

function nameOf(named: unknown): string {
  return typeof named === 'string' ? named : (named as { type: string }).type;
}

// ------------------------------------------------------------------------------------------------------------ main

function main(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, machine] of Object.entries(machines))
    writeFileSync(join(directory, `${name}.md`), drawMachine(name, machine));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(join('docs', 'machines'));
