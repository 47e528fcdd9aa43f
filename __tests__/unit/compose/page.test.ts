import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { catalogue } from '../../../src/compose/findings/catalogue.js'
import { findingsPage } from '../../../src/compose/findings/page.js'

describe('docs/findings.md', () => {
  it('is what the catalogue says: run `node scripts/findings-page.ts`', () => {
    expect(readFileSync('docs/findings.md', 'utf8')).toBe(findingsPage())
  })

  it.each(Object.keys(catalogue))('has a section for %s', rule => {
    expect(findingsPage()).toContain(`\n### ${rule}\n`)
  })
})
