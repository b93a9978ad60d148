// A clock that is wrong by so much, as those of customers' devices are; for Node and
// for pages.
"use strict";

globalThis.shiftClock = (ms) => {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...given) {
      if (given.length) super(...given);
      else super(Real.now() + ms);
    }
    static now() {
      return Real.now() + ms;
    }
  };
};
