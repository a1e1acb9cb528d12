// Makes drawn.js of draw.jsx. Monaco, the editor of queries, is left out, for nothing is edited.
import { build } from 'esbuild';

await build({
  entryPoints: ['draw.jsx'], bundle: true, outfile: 'drawn.js', logLevel: 'error',
  loader: { '.svg': 'dataurl', '.ttf': 'dataurl', '.png': 'dataurl', '.css': 'empty' },
  define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
  plugins: [{
    name: 'no editor',
    setup(b) {
      b.onResolve({ filter: /monaco/ }, () => ({ path: 'monaco', namespace: 'none' }));
      b.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'module.exports = {}' }));
    },
  }],
});
