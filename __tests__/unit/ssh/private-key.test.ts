import { describe, expect, it } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readPastedKey } from '../../../src/ssh/private-key.js'

const folder = mkdtempSync(join(tmpdir(), 'sr-unit-'))
const made = (name: string, ...options: string[]): { key: string; publicKey: string } => {
  const file = join(folder, name)
  execFileSync('ssh-keygen', ['-q', '-C', 'c', '-f', file, ...options])
  return { key: readFileSync(file, 'utf8'), publicKey: readFileSync(`${file}.pub`, 'utf8') }
}
const plain = made('plain', '-t', 'ed25519', '-N', '')
const pem = made('pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '')
const locked = made('locked', '-t', 'ed25519', '-N', 'secret')
const lockedPem = made('locked-pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', 'secret')
const lockedPkcs8 = made('locked-pkcs8', '-t', 'ecdsa', '-m', 'PKCS8', '-N', 'secret')
rmSync(folder, { recursive: true })

const publicKeyOf = (text: string, passphrase: string): string => {
  const own = mkdtempSync(join(tmpdir(), 'sr-unit-'))
  writeFileSync(join(own, 'key'), text, { mode: 0o600 })
  const shown = execFileSync('ssh-keygen', ['-y', '-P', passphrase, '-f', join(own, 'key')], { encoding: 'utf8' })
  rmSync(own, { recursive: true })
  return shown.trim().split(' ')[1] ?? ''
}

const pastings: readonly [string, (key: string) => string][] = [
  ['as it is', key => key],
  ['with CRLF', key => key.replaceAll('\n', '\r\n')],
  ['with CR only', key => key.replaceAll('\n', '\r')],
  ['without its last newline', key => key.trim()],
  ['with escaped newlines', key => key.replaceAll('\n', '\\n')],
  ['with doubly escaped newlines', key => key.replaceAll('\n', '\\\\n')],
  ['with escaped CRLF', key => key.replaceAll('\n', '\\r\\n')],
  ['with spaces for newlines', key => key.trim().replaceAll('\n', ' ')],
  ['indented', key => key.replaceAll(/^/gm, '    ')],
  ['in quotes', key => `"${key}"`],
  ['in quotes, escaped', key => JSON.stringify(key)],
  ['with a byte order mark', key => `\ufeff${key}`],
  ['in base64', key => Buffer.from(key).toString('base64')],
  ['in base64 with line breaks', key => Buffer.from(key).toString('base64').replace(/.{76}/g, '$&\n')],
  ['with words around it', key => `key:\n${key}\nend`]
]

describe('a private key', () => {
  it.each(pastings)('is read when pasted %s', (_, paste) => {
    for (const [{ key, publicKey }, passphrase] of [
      [plain, ''],
      [pem, ''],
      [locked, 'secret'],
      [lockedPem, 'secret'],
      [lockedPkcs8, 'secret']
    ] as const) {
      const read = readPastedKey(paste(key))
      if (read.kind === 'wrong') throw new Error(read.what)
      expect(read.encrypted).toBe(passphrase !== '')
      expect(publicKeyOf(read.text, passphrase)).toBe(publicKey.trim().split(' ')[1])
    }
  })
})

describe('what is no private key', () => {
  it.each([
    ['', 'empty'],
    [' \n', 'empty'],
    [plain.publicKey, 'public'],
    [pem.publicKey, 'public'],
    ['---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n', 'public'],
    ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', 'public'],
    ['PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none', 'putty'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'certificate'],
    ['~/.ssh/id_rsa', 'path'],
    ['/home/me/.ssh/id_rsa', 'path'],
    [plain.key.slice(0, 200), 'cut-off'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\n***\n-----END OPENSSH PRIVATE KEY-----', 'damaged'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----', 'damaged'],
    ['-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----', 'damaged'],
    ['hunter2', 'unknown']
  ])('%j is %s', (text, what) => {
    expect(readPastedKey(text)).toEqual({ kind: 'wrong', what })
  })
})
