/** How long chance is tempted: a part of it in `npm test`, all of it in `npm run test:thorough`. */
export const usually = (usual: number, { thorough }: { thorough: number }): number =>
  process.env['THOROUGH'] === '1' ? thorough : usual
