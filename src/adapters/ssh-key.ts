import { readPastedKey } from '../ssh/private-key.js'
import { decryptArgv, publicKeyArgv } from '../commands/ssh.js'
import { UserError } from '../errors.js'
import { noSsh, passphraseMissing, passphraseWrong, wrongKey } from '../errors/ssh.js'
import type { RunResult, Shell } from '../ports.js'
import type { SshFolder } from './ssh-folder.js'

/** A key that ssh can use as it is: kept in memory, written to disk for the length of a handshake only. */
export interface OpenKey {
  readonly text: string
  /** The line for authorized_keys. */
  readonly publicKey: string
}

/**
 * Repairs the pasted key and opens it with its passphrase, before any server is talked to. The passphrase is only ever in
 * the environment of one ssh-keygen, for milliseconds.
 * @throws UserError that says what the text is instead, without showing any of it.
 */
export async function openKey(
  shell: Shell,
  folder: SshFolder,
  env: Readonly<Record<string, string>>,
  source: string,
  passphrase: string | undefined
): Promise<OpenKey> {
  const pasted = readPastedKey(source)
  if (pasted.kind === 'wrong') throw new UserError(wrongKey(pasted.what))
  if (pasted.encrypted && (passphrase ?? '') === '') throw new UserError(passphraseMissing)
  await folder.writeKey(pasted.text)
  try {
    if (pasted.encrypted) await decrypt(shell, folder, env, passphrase ?? '')
    const shown = await shell.run(publicKeyArgv(folder.paths.key), { env: { ...env, ...neverAsk }, timeoutMs: 20_000 })
    checked(shown)
    return { text: pasted.encrypted ? await folder.readKey() : pasted.text, publicKey: shown.stdout.trim() }
  } finally {
    await folder.removeKey()
  }
}

const neverAsk = { SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force' }

async function decrypt(
  shell: Shell,
  folder: SshFolder,
  env: Readonly<Record<string, string>>,
  passphrase: string
): Promise<void> {
  const result = await shell.run(decryptArgv(folder.paths.key), {
    env: {
      ...env,
      SSH_ASKPASS: await folder.askpass(),
      SSH_ASKPASS_REQUIRE: 'force',
      SWARM_ROLLOUT_PASSPHRASE: passphrase
    },
    timeoutMs: 20_000
  })
  if (result.code !== 0 && /incorrect passphrase|bad decrypt|bad passphrase/i.test(result.stderr)) {
    throw new UserError(passphraseWrong)
  }
  checked(result)
}

function checked(result: RunResult): void {
  if (result.code === 127) throw new UserError(noSsh)
  if (result.code !== 0) throw new UserError(wrongKey('damaged'), { cause: new Error(result.stderr.trim()) })
}
