// What every stepper brings along. The player is a widget of its own, sent and saved once for all of them.

export default {
  async render({ model, el, host }) {
    const { exports } = await host.getWidget(model.get("player"));
    return exports.play({ model, el });
  },
};
