import { type Command, Help } from 'commander';
import { commonOptions } from './options.ts';
import { usualColumns } from './terminal.ts';

/** Longer terms get their own line, so that their description lines up with the others. */
const widestTerm = 24;
const leastText = 20;

/** Makes help fit the terminal: lines are wrapped at words. Without a terminal, help has 80 columns. */
export const fittingHelp: Partial<Help> = {
  minWidthToWrap: leastText,
  /** Puts a command's own options first. */
  groupItems(all, visible, groupOf) {
    const groups = Help.prototype.groupItems(all, visible, groupOf);
    const common = groups.get(commonOptions);
    if (common && groups.delete(commonOptions)) groups.set(commonOptions, common);
    return groups;
  },
  /** Wraps a usage line below its beginning. */
  commandUsage(command) {
    const usage = Help.prototype.commandUsage.call(this, command);
    const indent = 'Usage: '.length;
    return (
      this.boxWrap?.(usage, (this.helpWidth ?? usualColumns) - indent).replaceAll('\n', `\n${' '.repeat(indent)}`) ??
      usage
    );
  },
  /** Shows only names: arguments are on each command's own page. */
  subcommandTerm: (command: Command) => [command.name(), ...command.aliases()].join('|'),
  padWidth(command, helper) {
    return Math.min(widestTerm, Help.prototype.padWidth.call(this, command, helper));
  },
  formatItem(term, termWidth, description, helper) {
    const width = helper.helpWidth ?? usualColumns;
    const indent = '  ';
    if (!description) return `${indent}${term}`;
    const column = termWidth + 2 * indent.length;
    const text = helper.boxWrap(description, Math.max(leastText, width - column)).split('\n');
    const [first = '', ...others] = text.map((line) => `${' '.repeat(column)}${line}`.trimEnd());
    const isLong = helper.displayWidth(term) > termWidth;
    const head = isLong
      ? [`${indent}${term}`, first]
      : [`${indent}${term.padEnd(termWidth)}${first.slice(termWidth + 2)}`];
    return [...head, ...others].join('\n');
  },
};

/** Formats `  0  done` and so on; long texts are wrapped beside their code. */
export function itemsText(title: string, items: readonly (readonly [string, string])[], width: number): string {
  const helper = Object.assign(new Help(), fittingHelp, { helpWidth: width });
  const termWidth = Math.max(...items.map(([term]) => term.length));
  return [title, ...items.map(([term, text]) => helper.formatItem(term, termWidth, text, helper))].join('\n');
}
