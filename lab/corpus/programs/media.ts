import type { LabProgram } from './program.ts';

const MB = 1_000_000;

/** Pictures, sound and film. */
export const MEDIA_PROGRAMS: LabProgram[] = [
  {
    name: 'magick-resize', kind: 'image', deterministic: true, image: 'tools',
    input: { kind: 'image', bytes: 6 * MB }, other: { suffix: 'small', bytes: 1 * MB },
    script: () => 'convert ppm:/inputs/data -limit thread 1 -resize 60% -blur 0x1.5 -strip -define png:exclude-chunks=date,time /outputs/small.png',
  },
  {
    name: 'netpbm-edges', kind: 'image', deterministic: true, image: 'tools',
    input: { kind: 'image', bytes: 12 * MB },
    script: () => 'ppmtopgm /inputs/data | pnmsmooth -width 5 -height 5 | pamedge | pnmnorm -bpercent 2 -wpercent 2 2>/dev/null > /outputs/edges.pgm',
  },
  {
    name: 'thumbnails', kind: 'multi-process', deterministic: true, image: 'tools', cpus: 2,
    input: { kind: 'images', bytes: 3 * MB },
    script: () => 'tar xf /inputs/data && ls *.ppm | xargs -P 2 -I F convert F -limit thread 1 -resize 96x96 -strip -quality 85 /outputs/F.jpg',
  },
  {
    name: 'sox-effects', kind: 'audio', deterministic: true, image: 'tools',
    input: { kind: 'audio', bytes: 8 * MB },
    script: () => 'sox -D -t wav /inputs/data -r 32000 /outputs/out.wav rate -m reverb 30 equalizer 800 1q -4 gain -3',
  },
  {
    name: 'flac', kind: 'audio', deterministic: true, image: 'tools',
    input: { kind: 'audio', bytes: 8 * MB },
    script: () => 'flac --totally-silent -8 -p -o /outputs/out.flac - < /inputs/data',
  },
  {
    name: 'x264', kind: 'video', deterministic: true, image: 'video',
    input: { kind: 'film', bytes: 6 * MB },
    script: () => 'ffmpeg -v error -f rawvideo -pix_fmt rgb24 -s 256x192 -r 25 -i /inputs/data -c:v libx264 -preset slow -threads 1 -bitexact -f matroska /outputs/film.mkv',
  },
  {
    name: 'film-scale', kind: 'video', deterministic: true, image: 'video',
    input: { kind: 'film', bytes: 12 * MB },
    script: () => 'ffmpeg -v error -f rawvideo -pix_fmt rgb24 -s 256x192 -r 25 -threads 1 -i /inputs/data -vf scale=480x360:flags=lanczos,hqdn3d -c:v mpeg4 -q:v 4 -threads 1 -bitexact -f avi /outputs/film.avi',
  },
];
