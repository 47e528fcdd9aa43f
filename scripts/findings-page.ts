/** Writes docs/findings.md from the catalogue of rules: `node scripts/findings-page.ts`. */
import { writeFileSync } from 'node:fs'
import './sources.ts'

const { findingsPage } = await import('../src/compose/findings/page.ts')

writeFileSync(new URL('../docs/findings.md', import.meta.url), findingsPage())
