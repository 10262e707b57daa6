import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { nftTable } from '../core/nft.ts';

const file = readFileSync(createRequire(import.meta.url).resolve('#native/base.nft'), 'utf8');

/** An empty set whose name tells which ruleset is loaded. */
export const rulesetMark = `ruleset_${createHash('sha256').update(file).digest('hex').slice(0, 12)}`;
const mark = `add set inet ${nftTable} ${rulesetMark} { type mark; }\n`;

/** The whole ruleset, from nothing: elements go with what was there. */
export const freshRuleset = `${file}\n${mark}`;

/** The same into a table that is there: its rules are made anew, in the one transaction, its sets keep their elements. */
export const repairedRuleset = freshRuleset.replace(`delete table inet ${nftTable}`, `flush table inet ${nftTable}`);

/** What a table is made of: chains by name with the number of their rules, and the names of its sets. */
export interface TableShape {
  chains: { name: string; rules: number }[];
  sets: string[];
}

/** As the file has it: one rule a line, in chains. */
export const baseShape: TableShape = shapeOf(file);

/** Whether all of the base ruleset is there; what others have put beside it does not matter, a rule too many does. */
export function isComplete(found: TableShape): boolean {
  const rules = new Map(found.chains.map((chain) => [chain.name, chain.rules]));
  const sets = new Set(found.sets);
  return (
    sets.has(rulesetMark) &&
    baseShape.sets.every((name) => sets.has(name)) &&
    baseShape.chains.every((chain) => rules.get(chain.name) === chain.rules)
  );
}

function shapeOf(text: string): TableShape {
  const shape: TableShape = { chains: [], sets: [] };
  let chain: TableShape['chains'][number] | null = null;
  for (const line of text.split('\n').map((each) => each.trim())) {
    const [, kind, name = ''] = /^(chain|set|map) (\w+) \{$/.exec(line) ?? [];
    if (kind === 'chain') {
      chain = { name, rules: 0 };
      shape.chains.push(chain);
    } else if (kind) shape.sets.push(name);
    else if (line === '}') chain = null;
    else if (chain && line !== '' && !/^(#|type )/.test(line)) chain.rules += 1;
  }
  return shape;
}
