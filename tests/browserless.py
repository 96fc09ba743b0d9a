"""What a browser says to a widget, said without one."""


def tell(widget, **content) -> list[dict]:
    """Deliver a message as the widget's view sends it; returns what the widget sends back."""
    answers, widget.send = [], lambda content, buffers=None: answers.append(content)
    try:
        widget.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
    finally:
        del widget.send
    return answers


def edit(stepper, mark: str, value) -> list[str]:
    """Do what the browser does when a reader changes a number; returns why it was refused."""
    return [message["refused"] for message in tell(stepper, mark=mark, value=value) if message["refused"]]
