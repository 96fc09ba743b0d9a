// A walk that the reader draws: a tree of steps, each reached by choosing a mark. What may be chosen where, and why something
// else may not, the scene says. Pure functions; `track` is the numbers of the nodes from the beginning on.

/** Choose a mark at the end of a track: returns the longer track, or a sentence that says why not. */
export function chosen({ at, next, refused, sentences }, track, mark) {
  const here = track.at(-1);
  const to = next[here][mark];
  return to === undefined ? { says: sentences[refused[at[here]]?.[mark]] ?? "" } : { track: [...track, to] };
}

/** Choose what a key leads to; null where the key means nothing here. */
export function chosenByKey(walk, track, key) {
  const here = walk.at[track.at(-1)];
  const mark = walk.moves[here]?.[key];
  if (mark !== undefined) return chosen(walk, track, mark);
  const why = walk.refused[here]?.[key];
  return why === undefined ? null : { says: walk.sentences[why] };
}

/** The same choices in another tree, as far as it allows them. */
export function again(walk, marks) {
  let track = [0];
  for (const mark of marks) {
    const { track: longer } = chosen(walk, track, mark);
    if (!longer) break;
    track = longer;
  }
  return track;
}

/** All marks that can be chosen or are refused somewhere. */
export const walkable = ({ next, refused }) => new Set([...next, ...Object.values(refused)].flatMap((marks) => Object.keys(marks)));
