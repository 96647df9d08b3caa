"The command line, for where its command is not on the path: `python -m collab_course`"
from collab_course.app import main

if __name__ == '__main__': main()
