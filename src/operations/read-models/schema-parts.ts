/** The few shapes that results are made of. Times are ms since 1970. */
import { Type, type TSchema } from 'typebox';

export const text = Type.String();
export const count = Type.Integer({ minimum: 0 });
export const time = Type.Integer();
export const maybe = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
export const closed = <Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });
