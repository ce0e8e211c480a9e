// SPDX-License-Identifier: MIT
// Draws marks and trails by WebGL 2, each by one call.

import { MARK, PIECE, PIECES_MAX } from './traffic.js';

const TRAIL_VERTEX = `#version 300 es
layout(location = 0) in vec4 a_corner;
uniform vec2 u_half;
out float v_side;
out float v_shows;
void main() {
  v_side = a_corner.z;
  v_shows = a_corner.w;
  gl_Position = vec4(a_corner.xy / u_half * vec2(1, -1), 0, 1);
}`;

const TRAIL_FRAGMENT = `#version 300 es
precision highp float;
in float v_side;
in float v_shows;
uniform vec4 u_color;
uniform float u_wide;
out vec4 color;
void main() {
  float cover = clamp(u_wide * 0.5 + 0.5 - abs(v_side), 0.0, 1.0);
  color = u_color * (cover * v_shows);
}`;

const MARK_VERTEX = `#version 300 es
layout(location = 0) in vec4 a_at;
layout(location = 1) in vec2 a_what;
uniform vec2 u_half;
uniform float u_size;
uniform float u_dpr;
uniform vec3 u_low;
uniform vec3 u_high;
uniform vec3 u_kinds[6];
out vec2 v_ahead;
out float v_size;
out vec4 v_color;
flat out float v_kind;
void main() {
  int kind = int(a_what.y + 0.5);
  float height = smoothstep(0.05, 0.8, a_what.x);
  vec3 color = kind == 0 ? mix(u_low, u_high, height) : u_kinds[kind];
  float size = kind == 0 ? u_size : kind == 1 ? u_size * 1.25 : kind == 5 ? u_size * 0.8
    : max(u_size * 1.5, kind == 2 ? 13.0 : 17.0);
  float ring = kind == 1 && u_size > 4.5 ? 2.2 : 1.0;
  v_color = vec4(color, kind == 5 ? 0.35 : 1.0);
  v_ahead = a_at.zw;
  v_size = size * u_dpr;
  v_kind = ring;
  gl_Position = vec4(a_at.xy / u_half * vec2(1, -1), 0, 1);
  gl_PointSize = size * ring * u_dpr + 2.0;
}`;

// A plane from above, ahead is up: hull, wings and tail; small ones are dots.
const MARK_FRAGMENT = `#version 300 es
precision highp float;
in vec2 v_ahead;
in float v_size;
in vec4 v_color;
flat in float v_kind;
out vec4 color;
float wing(vec2 p, float root, float tip, float sweep, float deep) {
  float ahead = p.y - (root - p.x * sweep);
  float behind = (root - deep - p.x * sweep * 0.62) - p.y;
  return max(max(ahead, behind), p.x - tip);
}
void main() {
  float half_ = (v_size * v_kind + 2.0) * 0.5;
  vec2 p = (gl_PointCoord * 2.0 - 1.0) * half_ / (v_size * 0.5);
  float soft = 2.0 / v_size;
  float d;
  if (v_size < 9.0) {
    d = length(p) - 0.62;
  } else {
    vec2 q = vec2(abs(-p.x * v_ahead.y + p.y * v_ahead.x), p.x * v_ahead.x + p.y * v_ahead.y);
    vec2 hull = vec2(q.x, q.y - clamp(q.y, -0.78, 0.78));
    d = length(hull) - 0.13;
    d = min(d, wing(q, 0.30, 0.92, 0.62, 0.42));
    d = min(d, wing(q, -0.52, 0.38, 0.55, 0.24));
  }
  float cover = 1.0 - smoothstep(-soft * 0.5, soft * 0.5, d);
  if (v_kind > 1.5) {
    float ring = abs(length(p) - 1.85) - 0.11;
    cover = max(cover, 0.75 * (1.0 - smoothstep(-soft * 0.5, soft * 0.5, ring)));
  }
  color = vec4(v_color.rgb, 1.0) * (v_color.a * cover);
}`;

function program(gl, vertex, fragment) {
  const made = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
      throw new Error(gl.getShaderInfoLog(shader));
    }
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getProgramInfoLog(made));
  }
  const places = new Map();
  return name => {
    if (name === undefined) return made;
    if (!places.has(name)) places.set(name, gl.getUniformLocation(made, name));
    return places.get(name);
  };
}

/** Vertices in an array of their own, of parts of so many floats. */
function vertices(gl, ...sizes) {
  const floats = sizes.reduce((sum, size) => sum + size, 0);
  const buffer = gl.createBuffer();
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  let offset = 0;
  sizes.forEach((size, location) => {
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, size, gl.FLOAT, false, floats * 4, offset * 4);
    offset += size;
  });
  let room = 0;
  return (data, count) => {
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    if (count * floats > room) {
      room = Math.ceil(count * floats * 1.25);
      gl.bufferData(gl.ARRAY_BUFFER, room * 4, gl.STREAM_DRAW);
    }
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, data, 0, count * floats);
  };
}

/** Pieces of trails as thin quads of four corners; instances of so few would take longer. */
function corners(gl) {
  const quads = new Float32Array(PIECES_MAX * 16);
  const index = new Uint32Array(PIECES_MAX * 6);
  for (let i = 0; i < PIECES_MAX; i++) {
    index.set([4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 2, 4 * i + 1, 4 * i + 3], 6 * i);
  }
  const put = vertices(gl, 4);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, index, gl.STATIC_DRAW);
  return (pieces, count, wide) => {
    const side = wide / 2 + 0.7;
    for (let i = 0; i < count; i++) {
      const from = i * PIECE;
      const x0 = pieces[from];
      const y0 = pieces[from + 1];
      const x1 = pieces[from + 2];
      const y1 = pieces[from + 3];
      const k = side / (Math.sqrt((x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0)) + 1e-4);
      const nx = (y0 - y1) * k;
      const ny = (x1 - x0) * k;
      let at = i * 16;
      for (let end = 0; end < 2; end++) {
        const x = end ? x1 : x0;
        const y = end ? y1 : y0;
        for (let sign = -1; sign < 2; sign += 2) {
          quads[at++] = x + nx * sign;
          quads[at++] = y + ny * sign;
          quads[at++] = side * sign;
          quads[at++] = pieces[from + 4 + end];
        }
      }
    }
    put(quads, count * 4);
    gl.drawElements(gl.TRIANGLES, count * 6, gl.UNSIGNED_INT, 0);
  };
}

/** Makes what draws into a canvas; null where there is no WebGL 2. */
export function drawByGl(canvas) {
  const gl = canvas.getContext('webgl2', { antialias: false, depth: false, alpha: true });
  if (!gl) return null;
  let parts;
  const make = () => {
    parts = {
      trail: program(gl, TRAIL_VERTEX, TRAIL_FRAGMENT),
      mark: program(gl, MARK_VERTEX, MARK_FRAGMENT),
      pieces: corners(gl),
      marks: vertices(gl, 4, MARK - 4),
    };
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  };
  make();
  canvas.addEventListener('webglcontextlost', event => event.preventDefault());
  canvas.addEventListener('webglcontextrestored', make);

  return {
    name: 'WebGL',
    draw(traffic, view, style) {
      const dpr = Math.min(devicePixelRatio, 2);
      const [w, h] = [Math.round(view.width * dpr), Math.round(view.height * dpr)];
      if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
      gl.viewport(0, 0, w, h);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      if (style.trails && traffic.pieceCount) {
        const { trail, pieces } = parts;
        gl.useProgram(trail());
        gl.uniform2f(trail('u_half'), view.width / 2, view.height / 2);
        gl.uniform1f(trail('u_wide'), style.wide);
        const [r, g, b] = style.trail;
        const a = style.trailShows;
        gl.uniform4f(trail('u_color'), r * a, g * a, b * a, a);
        pieces(traffic.pieces, traffic.pieceCount, style.wide);
      }
      if (traffic.markCount) {
        const { mark, marks } = parts;
        gl.useProgram(mark());
        gl.uniform2f(mark('u_half'), view.width / 2, view.height / 2);
        gl.uniform1f(mark('u_size'), style.size);
        gl.uniform1f(mark('u_dpr'), dpr);
        gl.uniform3fv(mark('u_low'), style.low);
        gl.uniform3fv(mark('u_high'), style.high);
        gl.uniform3fv(mark('u_kinds'), style.kinds.flat());
        marks(traffic.marks, traffic.markCount);
        gl.drawArrays(gl.POINTS, 0, traffic.markCount);
      }
    },
  };
}
