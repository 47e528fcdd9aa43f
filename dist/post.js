// The entry of the post step; the name of this file is what tells it from main. No saved state could: where main was killed before it
// saved any, the post step would take itself for main, and deploy in a job that was cancelled.
import './index.js'
