/** Writes the tables of inputs and outputs into README.md, from action.yml. `--check` only says whether they are up to date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { parse } from 'yaml'

const action = parse(readFileSync('action.yml', 'utf8'))
const cell = text =>
  String(text ?? '')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
const inputs = Object.entries(action.inputs).map(
  ([name, { description, default: value }]) =>
    `| \`${name}\` | ${cell(description)} | ${value === undefined ? '' : `\`${cell(value)}\``} |`
)
const outputs = Object.entries(action.outputs).map(
  ([name, { description }]) => `| \`${name}\` | ${cell(description)} |`
)
const tables = {
  inputs: ['| Input | Meaning | Default |', '| --- | --- | --- |', ...inputs],
  outputs: ['| Output | Meaning |', '| --- | --- |', ...outputs]
}

const readme = readFileSync('README.md', 'utf8')
const wanted = Object.entries(tables).reduce(
  (text, [name, lines]) =>
    text.replace(
      new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`),
      (_, start, end) => `${start}\n${lines.join('\n')}\n\n${end}`
    ),
  readme
)
if (!process.argv.includes('--check')) writeFileSync('README.md', wanted)
else if (wanted !== readme) {
  console.error('The tables of README.md are not those of action.yml. Run `npm run docs`.')
  process.exit(1)
}
